/* The pages as clients of /api/v1. Without scripts everything still works: the forms post, the progress page has a link. */

import { $, able, showPlain } from "./page.js";
import { loadWords } from "./words.js";

/* Take the place of the page that is shown, as a navigation would. */
function become(page) {
  document.title = page.title;
  page.head.querySelectorAll("link[rel=stylesheet]").forEach((link) => {
    if (!document.head.querySelector("link[href='" + link.getAttribute("href") + "']")) document.head.append(link);
  });
  document.body.replaceChildren(...page.body.childNodes);
  scrollTo(0, 0);
  start();
  const heading = document.querySelector("h1");
  heading.tabIndex = -1;
  heading.focus();
}

/* Larger letters at once, with everything where it is; the cookie is for the next page. */
function runSize(choice) {
  choice.addEventListener("click", (event) => {
    const root = document.documentElement, elder = root.dataset.size !== "elder", other = choice.textContent;
    event.preventDefault();
    fetch("/?size=" + (elder ? "elder" : "standard"), { redirect: "manual" }).catch(() => {});
    if (elder) root.dataset.size = "elder";
    else delete root.dataset.size;
    if (elder) document.querySelectorAll("details[data-elder]").forEach((fold) => { fold.open = true; });
    choice.textContent = choice.dataset.other;
    choice.dataset.other = other;
    choice.scrollIntoView({ block: "nearest" });
  });
}

function start() {
  loadWords();
  /* A help answer that an address points at lies open. */
  const target = $(location.hash.slice(1));
  if (target && target.tagName === "DETAILS") {
    target.open = true;
    if (!target.offsetParent) target.closest("section").scrollIntoView(); // a wide screen has the answer open, and no fold
  }
  if ($("size")) runSize($("size"));
  if ($("form")) import("./form.js").then((its) => its.runForm($("form"), become)).catch(showPlain);
  if ($("steps")) import("./progress.js").then((its) => its.runProgress($("steps"), become)).catch(showPlain);
  if ($("forget")) import("./home.js").then((its) => its.runForget($("forget"))).catch(() => {});
  if ($("done")) {
    $("done").addEventListener("click", (event) => {
      if (!window.WeixinJSBridge) return;
      event.preventDefault();
      window.WeixinJSBridge.call("closeWindow");
    });
  }
}

if (able) start();
else showPlain();
