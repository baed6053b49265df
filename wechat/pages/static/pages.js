/* The pages as clients of /api/v1. Without this file everything still works: the forms post, the progress page has a link.
   The server mends and judges what was typed; here only emptiness and length are told at once. */
(function () {
  "use strict";

  /* An old browser gets the page as it is without scripts. replaceChildren (Chrome 86, iOS 14) is the youngest name used here. */
  const NEEDED = [
    [window, "fetch AbortController Promise"], [window.crypto, "getRandomValues"], [Element.prototype, "replaceChildren append after before remove closest"],
    [Array.prototype, "flatMap"], [String.prototype, "normalize padStart trimEnd"], [Event.prototype, "preventDefault"], [window.HTMLTemplateElement && HTMLTemplateElement.prototype, "content"],
  ];
  function showPlain() {
    document.querySelectorAll("noscript").forEach((node) => { node.outerHTML = "<div>" + node.textContent + "</div>"; });
  }
  if (!NEEDED.every(([owner, names]) => owner && names.split(" ").every((name) => name in owner))) return showPlain();

  const API = "/api/v1";
  const SLOW_MS = 3000, ABORT_MS = 15000, HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS;
  const $ = (id) => document.getElementById(id);
  const block = $("words");
  const words = block ? JSON.parse(block.textContent) : {};

  /* ---- Words: the same keys and rules as wechat/texts.py and wechat/times.py ---- */

  function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }
  function say(key, values) {
    return fill(words[key].replace(/\|/g, ""), values || {});
  }
  function counted(key, n) {
    return say(n === 1 && words[key + ".one"] ? key + ".one" : key, { n });
  }
  function phrases(node, key) {
    node.replaceChildren(...words[key].split("|").flatMap((part) => {
      const span = document.createElement("span");
      span.className = "phrase";
      span.textContent = part.trimEnd();
      return [span, part.slice(span.textContent.length)];
    }));
  }
  const two = (n) => String(n).padStart(2, "0");
  const shanghai = (ms) => new Date(ms + 8 * HOUR_MS);
  const clock = (ms) => two(shanghai(ms).getUTCHours()) + ":" + two(shanghai(ms).getUTCMinutes());
  function stamp(ms) {
    const month = shanghai(ms).getUTCMonth();
    const day = say("t.day", { month: words["t.day"].startsWith("{day}") ? words.months[month] : month + 1, day: shanghai(ms).getUTCDate() });
    return say("t.stamp", { day, time: clock(ms) });
  }
  function soon(ms) {
    const days = Math.floor((ms + 8 * HOUR_MS) / DAY_MS) - Math.floor((Date.now() + 8 * HOUR_MS) / DAY_MS);
    return days === 0 ? say("t.today", { time: clock(ms) }) : days === 1 ? say("t.tomorrow", { time: clock(ms) }) : stamp(ms);
  }
  function remaining(seconds) {
    const all = Math.max(1, Math.ceil(seconds / 60)), hours = Math.floor(all / 60), minutes = all % 60;
    return [hours && counted("t.hours", hours), (minutes || !hours) && counted("t.minutes", minutes)].filter(Boolean).join(" ");
  }
  function speak(text) {
    const status = $("status");
    if (status) status.textContent = text;
  }
  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", "#i-" + name);
    svg.append(use);
    return svg;
  }
  function element(tag, className, ...children) {
    const node = document.createElement(tag);
    node.className = className;
    node.append(...children);
    return node;
  }

  /* ---- A press is a pointer that goes down and up on the same thing: nothing moves in between ---- */

  const LONGEST_PRESS_MS = 2000, CLICK_MS = 350; // a finger's click comes some time after it has left the glass
  let pressing = false, waiting = [], release = 0;
  function rise() {
    pressing = false;
    waiting.splice(0).forEach((go) => go());
  }
  function releaseIn(ms) {
    clearTimeout(release);
    release = setTimeout(rise, ms);
  }
  addEventListener("pointerdown", () => { clearTimeout(release); pressing = true; }, true);
  addEventListener("pointerup", () => releaseIn(CLICK_MS), true);
  ["click", "pointercancel", "contextmenu"].forEach((name) => addEventListener(name, () => releaseIn(0), true));
  const still = () => (pressing ? new Promise((go) => { waiting.push(go); setTimeout(go, LONGEST_PRESS_MS); }) : Promise.resolve());

  /* ---- One call: an answer with its problem, or nothing when the net gave none ---- */

  async function call(method, path, token, body, key) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), ABORT_MS);
    const headers = { Accept: "application/json", Authorization: "Bearer " + token };
    if (body) headers["Content-Type"] = "application/json";
    if (key) headers["Idempotency-Key"] = key;
    const answer = await fetch(API + path, { method, headers, body: body && JSON.stringify(body), signal: abort.signal, cache: "no-store" }).catch(() => null);
    const told = answer && await answer.json().catch(() => ({}));
    clearTimeout(timer);
    await still();
    return answer && { ok: answer.ok, status: answer.status, told, token: answer.headers.get("Session-Token") || token };
  }

  /* ---- The form ---- */

  const FIELD_OF = { phone_invalid: "phone", id_tail_invalid: "id_tail", id_number_invalid: "id_number", name_invalid: "name", consent_missing: "consent", code_invalid: "code", code_wrong: "code", code_expired: "code" };
  const EMPTY = { phone: "e.phone.empty", id_tail: "e.tail.empty", id_number: "e.id_number.empty", name: "e.name_invalid", code: "e.code.empty" };

  function runForm(form) {
    const input = (name) => form.elements.namedItem(name);
    const names = Object.keys(EMPTY).filter((name) => input(name));
    const inOrder = names.sort((a, b) => (input(a).compareDocumentPosition(input(b)) & 4 ? -1 : 1));
    const get = $("get"), send = $("submit"), sendWords = send.textContent;
    const service = form.dataset.service;
    const wrong = {}; // field -> the value that was refused
    let busy = false, sending = false, plain = false, readyAt = 0, ticker = 0;

    /* What can be told without asking: nothing there, too short, too long. */
    function fault(name) {
      if (name === "consent") return input("consent").checked ? "" : say("e.consent_missing");
      const typed = input(name).value.trim();
      if (!typed) return say(EMPTY[name]);
      const signs = typed.normalize("NFKC").toUpperCase().replace(/[\s().+\-\u2010-\u2015]/g, "");
      if (name === "phone" && /^\d+$/.test(signs)) {
        const digits = signs.replace(/^(0086|86)(?=1)/, "").length;
        return digits === 11 ? "" : say("e.phone_invalid.length", { n: digits });
      }
      if (name === "id_tail" && /^\d+X?$/.test(signs) && signs.length !== 6) {
        return counted(signs.length < 6 ? "e.id_tail_invalid.short" : "e.id_tail_invalid.long", Math.abs(6 - signs.length));
      }
      if (name === "code" && /^\d+$/.test(signs) && signs.length !== 6) return say("e.code.empty");
      return "";
    }

    /* Messages under fields. */
    function remark(name, kind, iconName, text) {
      forget(name);
      const said = element("p", "said" + (kind && " said_" + kind), icon(iconName), element("span", "", text));
      said.id = "say-" + name;
      if (name === "consent") $("field-consent").after(said);
      else $("field-" + name).append(said);
      const field = input(name);
      field.setAttribute("aria-describedby", [$("hint-" + name) && "hint-" + name, said.id].filter(Boolean).join(" "));
      if (kind === "bad") {
        field.setAttribute("aria-invalid", "true");
        wrong[name] = field.value;
        if (name === "consent") $("field-consent").classList.add("weui-agree_warn");
      }
    }
    function forget(name) {
      const field = input(name);
      if ($("say-" + name)) $("say-" + name).remove();
      field.removeAttribute("aria-invalid");
      if ($("hint-" + name)) field.setAttribute("aria-describedby", "hint-" + name);
      else field.removeAttribute("aria-describedby");
      if (name === "consent") $("field-consent").classList.remove("weui-agree_warn");
      delete wrong[name];
    }
    /* A mended field is no longer wrong, but its message keeps its room until the next press: whatever a finger is on stays under it. */
    function mended(name) {
      if (!(name in wrong) || fault(name) || (name !== "consent" && input(name).value === wrong[name])) return;
      const said = $("say-" + name);
      if (said) said.classList.add("said_over");
      input(name).removeAttribute("aria-invalid");
      input(name).removeAttribute("aria-describedby");
      if ($("hint-" + name)) input(name).setAttribute("aria-describedby", "hint-" + name);
    }

    /* Boxes above the fields. */
    function clearBox() {
      if ($("box")) $("box").remove();
    }
    function box(amber, heading, text) {
      clearBox();
      const said = element("span", "", element("b", "", heading));
      if (text) said.append(element("small", "", text));
      const node = element("div", amber ? "notice notice_amber" : "notice", icon("alert"), said);
      node.id = "box";
      if (text) node.setAttribute("role", "alert");
      else node.tabIndex = -1;
      $("field-" + inOrder[0]).before(node);
      if (!text) node.focus();
      else node.scrollIntoView({ block: "nearest" });
    }
    function showFaults(found) {
      inOrder.concat("consent").forEach((name) => { if (name in wrong) forget(name); });
      Object.keys(found).forEach((name) => remark(name, "bad", "alert", found[name]));
      const n = Object.keys(found).length;
      if (n) box(false, n === 1 ? say("e.box.one") : say("e.box", { n }));
      return n === 0;
    }

    /* A refusal: a field's fault, a state that stands in for the form, or a box while the values are held. */
    function refused(answer) {
      const told = answer.told, code = told.code, name = FIELD_OF[code];
      speak(""); // "sending" is over
      if (name && input(name)) {
        const used = code === "code_wrong" && !told.tries_left ? "code_expired" : code;
        const text = used === "code_wrong" ? counted("e.code_wrong", told.tries_left) : (PARSED.has(name) && fault(name)) || say("e." + used);
        if (name === "code") input("code").value = "";
        remark(name, "bad", "alert", text);
        input(name).focus();
      } else if (code === "limit_reached" && told.limit === "code_per_phone_gap") {
        remark("code", "soon", "clock", say("f.code.soon"));
        speak(say("f.code.soon"));
        wait(told.retry_after);
      } else if (code === "too_soon") standIn("soon", told.retry_after);
      else if (code === "limit_reached" && /^codes_per_/.test(told.limit)) standIn("limit", told.retry_after);
      else if (answer.status === 401) standIn("expired", 0);
      else if (code === "idempotency_conflict") box(true, say("conflict"));
      else box(true, say("down.h1"), say("down.notice.p"));
    }
    function standIn(name, seconds) {
      const main = $("main");
      clearInterval(ticker);
      main.replaceChildren($("state-" + name).content.cloneNode(true));
      main.querySelectorAll("[data-when]").forEach((node) => { node.textContent = soon(Date.now() + seconds * 1000); });
      main.querySelectorAll("[data-left]").forEach((node) => { node.textContent = remaining(seconds); });
      document.title = say(name + ".h1") + " - " + say("site");
      main.querySelector("h1").focus();
      scrollTo(0, 0);
    }

    /* The code, and the countdown from a deadline (a screen that slept shows the right second). */
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
      still().then(() => { if ($("say-code") && !("code" in wrong)) remark("code", "soon", "clock", say("f.code.help")); });
    }
    async function askCode() {
      if (sending || busy || get.getAttribute("aria-disabled")) return;
      const text = fault("phone");
      if (text) {
        remark("phone", "bad", "alert", text);
        input("phone").focus();
        return;
      }
      forget("phone");
      sending = true;
      get.setAttribute("aria-disabled", "true");
      const before = get.textContent;
      get.textContent = say("f.code.sending");
      speak(say("f.code.sending"));
      const answer = await call("POST", "/verification-codes", input("session").value, { service, phone: input("phone").value });
      free(before);
      if (!answer) {
        remark("code", "soon", "alert", say("e.offline.code"));
        speak(say("e.offline.code"));
        return;
      }
      input("session").value = answer.token;
      if (answer.ok) sent(answer.told);
      else refused(answer);
    }
    function free(text) {
      sending = false;
      get.removeAttribute("aria-disabled");
      get.textContent = text;
    }
    function sent(told) {
      const text = say("f.code.sent", { phone: told.phone, minutes: Math.round(told.expires_in / 60) });
      clearBox();
      input("code").value = "";
      remark("code", "", "check", text);
      speak(text);
      wait(told.resend_after);
      if (document.activeElement === get) input("code").focus();
    }

    /* The submission: one press, one key, however often it is tried. */
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
    function slow() {
      const node = element("p", "slow", say("f.slow"));
      node.id = "slow";
      send.after(node);
      speak(say("f.slow"));
    }
    async function submit() {
      if (busy || sending) return;
      const found = {};
      inOrder.concat("consent").forEach((name) => { const text = fault(name); if (text) found[name] = text; });
      clearBox();
      if (!showFaults(found)) return;
      const body = { service, consent: true };
      names.forEach((name) => { body[name] = input(name).value; });
      lock(true);
      const timer = setTimeout(slow, SLOW_MS);
      const answer = await call("POST", "/inquiries", input("session").value, body, input("key").value);
      clearTimeout(timer);
      if (answer && answer.ok) return location.replace("/inquiries/" + answer.told.reference);
      lock(false);
      if (!answer) return box(true, say("e.offline.h"), say("e.offline.p"));
      input("session").value = answer.token;
      refused(answer);
    }

    const PARSED = new Set(["phone", "id_tail", "id_number", "name"]);
    /* Whatever breaks in here, the press still counts: the form goes the way it goes without scripts. */
    function goPlainly(asksCode) {
      plain = true;
      if (asksCode) form.append(Object.assign(element("input", ""), { type: "hidden", name: "action", value: "code" }));
      HTMLFormElement.prototype.submit.call(form);
    }
    function pressed(event, work, asksCode) {
      if (plain) return;
      event.preventDefault();
      work().catch(() => goPlainly(asksCode));
    }
    get.addEventListener("click", (event) => pressed(event, askCode, true));
    form.addEventListener("submit", (event) => pressed(event, submit, false));
    form.querySelectorAll("[aria-invalid]").forEach((field) => { wrong[field.name] = field.value; });
    form.addEventListener("input", (event) => mended(event.target.name));
    form.addEventListener("change", (event) => mended(event.target.name));
    addEventListener("visibilitychange", () => { if (readyAt > Date.now() - 1000 && !document.hidden) tick(); });
    addEventListener("pagehide", () => ["id_tail", "id_number", "code"].forEach((name) => { if (input(name)) input(name).value = ""; }));
    addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      lock(false);
      input("key").value = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    });
  }

  /* ---- Progress ---- */

  function runProgress(list) {
    const started = Date.now();
    let token = list.dataset.session, status = list.dataset.status, said = "", saidAt = 0, timer = 0;

    function steps(seen) {
      const at = (time) => stamp(Date.parse(time)), phone = { phone: seen.phone };
      const closed = seen.status === "closed", asking = !closed && seen.asked > 0;
      const waiting = seen.service === "internet-accounts" ? "pr.s2.asking" : "pr.s2.asking.pc";
      const promise = say("pr.s3.d", { when: at(seen.reply_by) });
      const second = closed
        ? ["done", say("pr.s2.over"), at(seen.closed_at)]
        : asking
          ? ["now", say(waiting), say("pr.s2.asking.d", seen), seen]
          : ["now", say("pr.s2.received"), say("pr.s2.received.d")];
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
      if (figures && figures.asked) {
        const segments = item.querySelector(".segments") || element("div", "segments");
        segments.setAttribute("aria-hidden", "true");
        while (segments.children.length < figures.asked) segments.append(element("span", "segment"));
        Array.from(segments.children).forEach((one, n) => one.classList.toggle("segment_filled", n < figures.answered));
        parts.push(segments);
      }
      if (detail) parts.push(element("p", "small", detail));
      item.lastElementChild.replaceChildren(...parts);
    }
    function show(seen) {
      const drawn = steps(seen);
      drawn.forEach((step, n) => draw(list.children[n], step));
      const current = drawn.find((step) => step[0] === "now") || drawn[2];
      const text = current.slice(1, 3).filter(Boolean).join("，");
      if (seen.status !== status || (text !== said && Date.now() - saidAt > 10000)) {
        if (said || seen.status !== status) speak(text);
        said = text;
        saidAt = Date.now();
      }
      status = seen.status;
      const closed = status === "closed";
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
    async function look() {
      timer = 0;
      if (document.hidden) return;
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
      timer = setTimeout(() => look().catch(showPlain), age < 30000 ? 2000 : age < 300000 ? 10000 : 60000);
    }
    document.addEventListener("visibilitychange", () => {
      clearTimeout(timer);
      timer = 0;
      if (!document.hidden && status !== "closed") look().catch(showPlain);
    });
    plan();
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

  /* A help answer that an address points at lies open. */
  const target = $(location.hash.slice(1));
  if (target && target.tagName === "DETAILS") {
    target.open = true;
    if (!target.offsetParent) target.closest("section").scrollIntoView(); // a wide screen has the answer open, and no fold
  }

  if ($("form")) runForm($("form"));
  if ($("steps")) runProgress($("steps"));
  if ($("copy")) runCopy($("copy"));
  if ($("done")) {
    $("done").addEventListener("click", (event) => {
      if (!window.WeixinJSBridge) return;
      event.preventDefault();
      window.WeixinJSBridge.call("closeWindow");
    });
  }
})();
