// Shows new messages as they come in. Without this file the page shows them when it is reloaded.
"use strict";

const EVERY_MS = 1000;
const messages = document.querySelector("main").dataset.messages;

async function look() {
  if (document.hidden) return;
  const listed = await (await fetch(messages)).json();
  const thread = document.getElementById("thread");
  if (listed.length === Number(thread.dataset.count)) return;
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  const atEnd = innerHeight + scrollY >= document.body.scrollHeight - 8;
  const fresh = page.getElementById("thread");
  thread.replaceChildren(...fresh.childNodes);
  thread.dataset.count = fresh.dataset.count;
  if (atEnd) scrollTo(0, document.body.scrollHeight);
}

async function repeat() {
  try {
    await look();
  } catch {
    // the sandbox is being restarted; the next look will tell
  }
  setTimeout(repeat, EVERY_MS);
}

repeat();
