/* The progress page: looks again by itself, while somebody sees it. */

import { $, call, element, fetchPage, showPlain, speak } from "./page.js";
import { clock, say, stamp, written } from "./words.js";

const SOON_MS = 2000, LATER_MS = 10000, RARELY_MS = 60000, SPEAK_MS = 10000;

/* The text as spans, between which a Chinese line may break. */
function phrases(node, key) {
  node.replaceChildren(...written(key).split("|").flatMap((part) => {
    const span = document.createElement("span");
    span.className = "phrase";
    span.textContent = part.trimEnd();
    return [span, part.slice(span.textContent.length)];
  }));
}

/* (state, title, detail, figures) of each step */
function steps(seen) {
  const at = (time) => stamp(Date.parse(time)), phone = { phone: seen.phone };
  const closed = seen.status === "closed";
  const waiting = seen.service === "internet-accounts" ? "pr.s2.asking" : "pr.s2.asking.pc";
  const promise = say("pr.s3.d", { when: at(seen.reply_by) });
  let second = ["now", say("pr.s2.received"), say("pr.s2.received.d")];
  if (closed) second = ["done", say("pr.s2.over"), at(seen.closed_at)];
  else if (seen.asked) second = ["now", say(waiting), say("pr.s2.asking.d", seen), seen];
  const third = closed
    ? ["done", say("pr.s3.closed"), say("pr.s3.closed.d", { phone: seen.phone, time: clock(Date.parse(seen.closed_at)) })]
    : ["later", say("pr.s3", phone), promise];
  return [["done", say("pr.s1"), at(seen.accepted_at)], second, third];
}

function draw(item, [state, title, detail, figures]) {
  item.className = "step step_" + state;
  if (state === "now") item.setAttribute("aria-current", "step");
  else item.removeAttribute("aria-current");
  const parts = [element("b", "", title)];
  if (figures) {
    const segments = item.querySelector(".segments") || element("div", "segments");
    segments.setAttribute("aria-hidden", "true");
    while (segments.children.length < figures.asked) segments.append(element("span", "segment"));
    Array.from(segments.children).forEach((one, n) => one.classList.toggle("segment_filled", n < figures.answered));
    parts.push(segments);
  }
  if (detail) parts.push(element("p", "small", detail));
  item.lastElementChild.replaceChildren(...parts);
}

function runCopy(button) {
  async function copy() {
    const text = $("reference").textContent.replace(/\s/g, "");
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else {
      getSelection().selectAllChildren($("reference"));
      document.execCommand("copy");
      getSelection().removeAllRanges();
    }
    button.textContent = say("pr.copied");
    speak(say("pr.copied"));
    setTimeout(() => { button.textContent = say("pr.copy"); }, 2000);
  }
  button.hidden = false;
  button.addEventListener("click", () => copy().catch(() => {}));
}

export function runProgress(list, become) {
  const started = Date.now();
  let token = list.dataset.session, status = list.dataset.status, said = "", saidAt = 0, timer = 0;

  function show(seen) {
    const drawn = steps(seen);
    drawn.forEach((step, n) => draw(list.children[n], step));
    const current = drawn.find((step) => step[0] === "now") || drawn[2];
    const text = current.slice(1, 3).filter(Boolean).join(say("t.join"));
    if (seen.status !== status || (text !== said && Date.now() - saidAt > SPEAK_MS)) {
      if (said || seen.status !== status) speak(text);
      said = text;
      saidAt = Date.now();
    }
    status = list.dataset.status = seen.status; // with "closed" what is next is shown
    const closed = status === "closed";
    $("progress").classList.toggle("prog_open", !closed);
    phrases($("heading"), closed ? "pr.h1.closed" : "pr.h1");
    phrases($("lead"), closed ? "pr.lead.closed" : "pr.lead");
    document.title = say(closed ? "pr.h1.closed" : "pr.h1") + " - " + say("site");
    if (closed || Date.now() > Date.parse(seen.reply_by)) $("advice").open = true;
  }
  function lost(on) {
    if (on && !$("lost")) {
      const node = element("p", "small lost", say("pr.lost"));
      node.id = "lost";
      list.after(node);
      speak(say("pr.lost"));
    } else if (!on && $("lost")) $("lost").remove();
  }
  /* Whoever came by reference and last digits has no session: the page itself is asked. */
  async function lookAtPage() {
    const page = await fetchPage(location.pathname), there = page && page.getElementById("steps");
    lost(!there);
    if (!there) return plan();
    if (there.dataset.status !== status) return become(page);
    list.replaceChildren(...there.childNodes);
    return plan();
  }
  async function look() {
    timer = 0;
    if (document.hidden || !list.isConnected) return;
    if (!token) return lookAtPage();
    const answer = await call("GET", "/inquiries/" + list.dataset.reference, token);
    lost(!answer || !answer.ok);
    if (answer && (answer.status === 404 || answer.status === 401)) return;
    if (answer) token = answer.token;
    if (answer && answer.ok) show(answer.told);
    plan();
  }
  function plan() {
    const age = Date.now() - started;
    if (status === "closed" || timer) return;
    timer = setTimeout(() => look().catch(showPlain), age < 30000 ? SOON_MS : age < 300000 ? LATER_MS : RARELY_MS);
  }
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    timer = 0;
    if (!document.hidden && status !== "closed") look().catch(showPlain);
  });
  if ($("copy")) runCopy($("copy"));
  plan();
}
