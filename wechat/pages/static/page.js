/* What every page needs: its elements, presses, and calls. */

const API = "/api/v1", ABORT_MS = 15000;
export const $ = (id) => document.getElementById(id);

/* An old browser gets the page as it is without scripts. replaceChildren (Chrome 86, iOS 14) is the youngest name used here. */
const NEEDED = [
  [window, "fetch AbortController Promise DOMParser"],
  [window.crypto, "getRandomValues"],
  [Element.prototype, "replaceChildren append after before remove closest"],
  [Array.prototype, "flatMap"],
  [String.prototype, "normalize padStart trimEnd"],
  [window.HTMLTemplateElement && HTMLTemplateElement.prototype, "content"],
];
export const able = NEEDED.every(([owner, names]) => owner && names.split(" ").every((name) => name in owner));

export function showPlain() {
  document.querySelectorAll("noscript").forEach((node) => { node.outerHTML = "<div>" + node.textContent + "</div>"; });
}

export function speak(text) {
  const status = $("status");
  if (status) status.textContent = text;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", "#i-" + name);
  svg.append(use);
  return svg;
}

export function element(tag, className, ...children) {
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

export function still() {
  return pressing ? new Promise((go) => { waiting.push(go); setTimeout(go, LONGEST_PRESS_MS); }) : Promise.resolve();
}

/* ---- Calls: an answer with its problem, or nothing when none came ---- */

async function ask(address, options) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ABORT_MS);
  const answer = await fetch(address, Object.assign({ signal: abort.signal, cache: "no-store" }, options)).catch(() => null);
  const text = answer && await answer.text().catch(() => "");
  clearTimeout(timer);
  await still();
  return answer && { answer, text };
}

export async function call(method, path, token, body, key) {
  const headers = { Accept: "application/json", Authorization: "Bearer " + token };
  if (body) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  const got = await ask(API + path, { method, headers, body: body && JSON.stringify(body) });
  if (!got) return null;
  let told = {};
  // A body that is not JSON is a proxy's page.
  try { told = JSON.parse(got.text); } catch (error) {}
  const header = (name) => got.answer.headers.get(name);
  return { ok: got.answer.ok, status: got.answer.status, told, token: header("Session-Token") || token, at: Date.parse(header("Date")) || Date.now() };
}

/* A page of ours as a document, or nothing. */
export async function fetchPage(path, token) {
  const got = await ask(path, { headers: token ? { Authorization: "Bearer " + token } : {} });
  return got && got.answer.ok ? new DOMParser().parseFromString(got.text, "text/html") : null;
}

/* A fresh session in place of one that lay idle: its cookie and its token come with the form's page. */
export async function renewSession(path) {
  const got = await ask(path, {});
  return got && got.answer.headers.get("Session-Token");
}

export function cookiesWork() {
  document.cookie = "onecert-probe=1; path=/; SameSite=Lax";
  const works = document.cookie.includes("onecert-probe=1");
  document.cookie = "onecert-probe=; path=/; max-age=0";
  return works;
}
