/* The form: a code is asked for, the inquiry submitted, without leaving the page. */

import { $, call, cookiesWork, element, fetchPage, renewSession, speak, still } from "./page.js";
import { Box, Messages, NAMES, faultOf, refusalOf } from "./fields.js";
import { remaining, say, soon } from "./words.js";

const SLOW_MS = 3000;
const FIELD_OF = /^(phone|id_tail|id_number|name|consent|code)_(invalid|missing|wrong|expired)$/;
const SECRET = ["id_tail", "id_number", "code"];

export function runForm(form, become) {
  const input = (name) => form.elements.namedItem(name);
  const names = NAMES.filter((name) => input(name));
  const inOrder = names.sort((a, b) => (input(a).compareDocumentPosition(input(b)) & 4 ? -1 : 1));
  const get = $("get"), send = $("submit"), sendWords = send.textContent, service = form.dataset.service;
  const messages = new Messages(form), box = new Box(form);
  let busy = false, sending = false, submitNext = false, plain = false, leaving = false, readyAt = 0, ticker = 0;

  /* ---- Answers ---- */

  /* One call in the form's session; one that lay idle for too long is renewed in silence. */
  async function ask(path, body, key) {
    let answer = await call("POST", path, input("session").value, body, key);
    if (answer && answer.status === 401) {
      const token = await renewSession(form.getAttribute("action"));
      if (token) answer = await call("POST", path, input("session").value = token, body, key);
    }
    if (answer) input("session").value = answer.token;
    return answer;
  }

  /* A refusal: a field's fault, a state that stands in for the form, or a box while the values are held. */
  function refused(answer, unavailable) {
    const told = answer.told, code = told.code, name = (FIELD_OF.exec(code) || [])[1], limit = told.limit || "";
    speak(""); // "sending" is over
    if (code === "code_expired" && told.reason === "used") box.amber(say("box.conflict"), "", "/inquiries");
    else if (code === "human_check_required") box.amber(say("box.human"), say("hc.fail")).focus();
    else if (code === "idempotency_conflict") box.amber(say("box.conflict"), "", "/inquiries/" + told.reference);
    else if (name && input(name)) {
      const text = refusalOf(input(name), told);
      if (name === "code") input("code").value = "";
      if (name === "code" && readyAt < Date.now() && told.reason !== "missing") get.textContent = say("f.code.again");
      messages.put(name, "bad", "alert", text);
      input(name).focus();
    } else if (code === "limit_reached" && limit === "code_per_phone_gap") {
      if (!$("say-code")) messages.put("code", "soon", "clock", say("f.code.soon"));
      speak(say("f.code.soon"));
      wait(told.retry_after, answer.at);
    } else if (code === "too_soon") standIn("soon", told.retry_after);
    else if (code === "limit_reached" && limit.startsWith("codes_per_")) standIn("limit", told.retry_after);
    else if (code === "limit_reached" && limit.startsWith("submissions_per_")) box.amber(say("many.h1"), say("many.lead", times(told.retry_after)));
    else if (answer.status === 401) standIn("expired", 0);
    else box.amber(say("box." + unavailable), say("box." + unavailable + ".p"));
  }
  const times = (seconds) => ({ when: soon(Date.now() + seconds * 1000), left: remaining(seconds) });
  function standIn(name, seconds) {
    const main = $("main");
    clearInterval(ticker);
    main.replaceChildren($("state-" + name).content.cloneNode(true));
    main.querySelectorAll("[data-when]").forEach((node) => { node.textContent = times(seconds).when; });
    main.querySelectorAll("[data-left]").forEach((node) => { node.textContent = times(seconds).left; });
    document.title = say(name + ".h1") + " - " + say("site");
    main.querySelector("h1").focus();
    scrollTo(0, 0);
  }

  /* ---- The code, and the countdown from a deadline (a screen that slept shows the right second) ---- */

  function wait(seconds) {
    readyAt = Date.now() + seconds * 1000;
    get.setAttribute("aria-disabled", "true");
    clearInterval(ticker);
    ticker = setInterval(tick, 250);
    tick();
  }
  function tick() {
    const left = Math.ceil((readyAt - Date.now()) / 1000);
    if (left > 0) {
      get.textContent = say("f.code.wait", { seconds: left });
      return;
    }
    clearInterval(ticker);
    get.removeAttribute("aria-disabled");
    get.textContent = say("f.code.again");
    speak(say("f.code.ready"));
    still().then(() => { if ($("say-code") && !("code" in messages.wrong)) messages.put("code", "soon", "clock", say("f.code.help")); });
  }
  async function askCode() {
    if (sending) return;
    if (busy) return speak(say("f.sending"));
    if (readyAt > Date.now()) return speak(say("f.code.soon"));
    const text = faultOf(input("phone"));
    if (text) {
      messages.put("phone", "bad", "alert", text);
      input("phone").focus();
      return;
    }
    messages.drop("phone");
    const before = get.textContent, typedBefore = input("code").value;
    sending = true;
    get.setAttribute("aria-disabled", "true");
    get.textContent = say("f.code.sending");
    speak(say("f.code.sending"));
    const wanted = { service, phone: input("phone").value };
    let answer = await ask("/verification-codes", wanted);
    let checked = "";
    if (answer && answer.told.code === "human_check_required") {
      const its = await import("./check.js").catch(() => null);
      checked = its ? await its.passCheck(answer.told.challenge) : "";
      if (checked) answer = await ask("/verification-codes", Object.assign(wanted, { human_check: checked }));
    }
    sending = false;
    get.removeAttribute("aria-disabled");
    get.textContent = before;
    if (checked === null) get.focus(); // stopped: the form as it was
    else if (!answer) {
      const text = say(navigator.onLine ? "e.late.code" : "e.offline.code");
      messages.put("code", "soon", "alert", text);
      speak(text);
    } else if (answer.ok) sent(answer, typedBefore);
    else refused(answer, "code");
    if (submitNext) submitAfterCode();
  }
  function sent(answer, typedBefore) {
    const told = answer.told;
    const text = say("f.code.sent", { phone: told.phone, minutes: Math.round(told.expires_in / 60) });
    box.drop();
    if (input("code").value === typedBefore) input("code").value = ""; // an older code; one typed meanwhile stays
    input("sent").value = [told.phone, answer.at + told.expires_in * 1000, answer.at + told.resend_after * 1000].join(" ");
    messages.put("code", "", "check", text);
    speak(text);
    wait(told.resend_after);
    if (document.activeElement === get) input("code").focus();
  }

  /* ---- The submission: one press, one key, however often it is tried ---- */

  function note(key) {
    if ($("slow")) $("slow").remove();
    const node = element("p", "slow", say(key));
    node.id = "slow";
    send.after(node);
    speak(say(key));
  }
  function lock(on) {
    busy = on;
    names.forEach((name) => { input(name).readOnly = on; });
    if (on) {
      send.setAttribute("aria-disabled", "true");
      send.classList.add("weui-btn_loading");
      send.replaceChildren(element("span", "weui-primary-loading", element("span", "weui-primary-loading__dot")), say("f.sending"));
      speak(say("f.sending"));
      return;
    }
    send.removeAttribute("aria-disabled");
    send.classList.remove("weui-btn_loading");
    send.textContent = sendWords;
    if ($("slow")) $("slow").remove();
  }
  function submitAfterCode() {
    submitNext = false;
    if ($("slow")) $("slow").remove();
    if (form.isConnected) submit().catch(() => goPlainly());
  }
  async function submit() {
    if (busy) return;
    if (sending) {
      submitNext = true;
      return note("f.submit.next");
    }
    box.drop();
    messages.dropWrong();
    const found = {};
    inOrder.concat("consent", "consent_id").forEach((name) => { const text = faultOf(input(name)); if (text) found[name] = text; });
    Object.keys(found).forEach((name) => messages.put(name, "bad", "alert", found[name]));
    if (Object.keys(found).length) return box.list(found);
    const body = { service, consent: true };
    names.forEach((name) => { body[name] = input(name).value; });
    if ($("audience") && $("audience").value) body.audience = $("audience").value;
    lock(true);
    const timer = setTimeout(() => still().then(() => { if (busy) note("f.slow"); }), SLOW_MS);
    const answer = await ask("/inquiries", body, input("key").value);
    clearTimeout(timer);
    if (answer && answer.ok) return arrive("/inquiries/" + answer.told.reference);
    lock(false);
    if (answer) refused(answer, "down");
    else {
      const state = navigator.onLine ? "e.late" : "e.offline";
      box.amber(say(state + ".h"), say(state + ".p"));
    }
  }
  /* The progress page in place of this one: a browser that lost its cookies, or keeps none, could not open it. */
  async function arrive(path) {
    const page = await fetchPage(path, input("session").value);
    if (!page) return location.replace(path);
    clearInterval(ticker);
    if (cookiesWork()) history.replaceState(null, "", path);
    become(page);
  }

  /* ---- Presses ---- */

  /* Whatever breaks in here, the press still counts: the form goes the way it goes without scripts. */
  function goPlainly(name, value) {
    plain = true;
    if (name) form.append(Object.assign(element("input", ""), { type: "hidden", name, value }));
    HTMLFormElement.prototype.submit.call(form);
  }
  get.addEventListener("click", (event) => {
    if (plain) return;
    event.preventDefault();
    askCode().catch(() => goPlainly("action", "code"));
  });
  form.addEventListener("submit", (event) => {
    if (plain || leaving) return;
    event.preventDefault();
    submit().catch(() => goPlainly());
  });
  /* A choice (language, privacy notice) goes to the server with what was typed, which is there again afterwards. */
  document.querySelectorAll("button[name=choice]:not([value=tail])").forEach((button) => button.addEventListener("click", (event) => {
    if (event.defaultPrevented) return;
    if (!form.isConnected) {
      event.preventDefault();
      location.assign("?" + button.value);
    } else leaving = true;
  }));
  document.addEventListener("visibilitychange", () => { if (form.isConnected && readyAt > Date.now() - 1000 && !document.hidden) tick(); });
  addEventListener("pagehide", () => SECRET.forEach((name) => { if (input(name)) input(name).value = ""; }));
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    if (leaving) return location.reload();
    lock(false);
    input("key").value = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  });
  // A browser that comes back fills in what it remembers: emptied fields. What the server knows is newer.
  names.forEach((name) => { if (input(name).defaultValue) input(name).value = input(name).defaultValue; });
  if (get.dataset.wait) wait(Number(get.dataset.wait));
  if (!cookiesWork() && !$("box")) {
    const node = box.put("notice_amber", "alert", element("span", "", element("b", "", say("cookies.notice.h")), element("small", "", say("cookies.notice.p"))));
    node.setAttribute("role", "status");
  }
}
