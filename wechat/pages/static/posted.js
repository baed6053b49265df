/* A posted form that came back with a challenge: it is solved, and the code asked for again. */

import { $, able } from "./page.js";
import { passCheck } from "./check.js";
import { say } from "./words.js";

const box = $("box"), form = box.closest("form");

async function pass() {
  box.hidden = true;
  const answer = await passCheck(JSON.parse(box.dataset.challenge));
  if (answer === null) return $("get").focus();
  if (!answer) {
    box.querySelector("small").textContent = say("hc.fail");
    box.hidden = false;
    return box.focus();
  }
  Object.entries({ action: "code", human_check: answer }).forEach(([name, value]) => {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  });
  return HTMLFormElement.prototype.submit.call(form); // the form has a button of that name
}

if (able) pass().catch(() => { box.hidden = false; });
