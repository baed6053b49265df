/* The security check: the phone solves it by itself, in the form's place; loaded only where the server asks for one. */

import { $, speak, still } from "./page.js";
import { say } from "./words.js";

const SHOWN_MS = 500, SLOW_MS = 15000, LONGEST_MS = 60000;

/* Have the challenge solved. The answer as base64, "" where none was found within a minute, or null if the citizen stopped it. */
export function passCheck(challenge) {
  const main = $("main"), before = Array.from(main.children), title = document.title, worker = new Worker(new URL("solver.js", import.meta.url));
  return new Promise((go) => {
    const timers = [setTimeout(() => still().then(show), SHOWN_MS), setTimeout(slow, SLOW_MS), setTimeout(() => end(""), LONGEST_MS)];
    let over = false;

    function end(answer) {
      if (over) return;
      over = true;
      timers.forEach(clearTimeout);
      worker.terminate();
      if (answer) speak(say("hc.done"));
      still().then(() => {
        if ($("check")) $("check").remove();
        before.forEach((node) => { node.hidden = false; });
        document.title = title;
        go(answer);
      });
    }
    function show() {
      if (over) return;
      before.forEach((node) => { node.hidden = true; });
      main.append($("state-check").content.cloneNode(true));
      document.title = say("hc.h1") + " - " + say("site");
      scrollTo(0, 0);
      $("check").querySelector("h1").focus();
      $("check-said").textContent = say("hc.now");
      $("stop").addEventListener("click", () => end(null));
      $("check").addEventListener("keydown", (event) => { if (event.key === "Escape") end(null); });
    }
    function slow() {
      if ($("check-said")) $("check-said").textContent = say("hc.slow");
    }
    worker.onmessage = ({ data: number }) => {
      const { salt, challenge: hash, signature, algorithm } = challenge;
      end(number >= 0 ? btoa(JSON.stringify({ algorithm, challenge: hash, number, salt, signature })) : "");
    };
    worker.onerror = () => end("");
    worker.postMessage(challenge);
  });
}
