/* The first page: the last inquiry is forgotten without leaving it. */

import { $, speak } from "./page.js";
import { say } from "./words.js";

export function runForget(form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    fetch(form.getAttribute("action"), { method: "POST", redirect: "manual" }).then(() => {
      speak(say("home.recent.gone"));
      $("recent").remove();
      document.querySelector("h1").tabIndex = -1;
      document.querySelector("h1").focus();
    }, () => HTMLFormElement.prototype.submit.call(form));
  });
}
