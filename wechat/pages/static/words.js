/* Words: the same keys and rules as wechat/pages/texts.py and times.py. */

const HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS;
let words = {};

export function loadWords() {
  const block = document.getElementById("words");
  words = block ? JSON.parse(block.textContent) : {};
}

export function say(key, values) {
  return words[key].replace(/\|/g, "").replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export function counted(key, n) {
  return say(n === 1 && words[key + ".one"] ? key + ".one" : key, { n });
}

/* A text with the marks between its phrases. */
export const written = (key) => words[key];

const two = (n) => String(n).padStart(2, "0");
const shanghai = (ms) => new Date(ms + 8 * HOUR_MS);
export const clock = (ms) => two(shanghai(ms).getUTCHours()) + ":" + two(shanghai(ms).getUTCMinutes());

export function stamp(ms) {
  const month = shanghai(ms).getUTCMonth();
  const day = say("t.day", { month: words["t.day"].startsWith("{day}") ? words.months[month] : month + 1, day: shanghai(ms).getUTCDate() });
  return say("t.stamp", { day, time: clock(ms) });
}

export function soon(ms) {
  const days = Math.floor((ms + 8 * HOUR_MS) / DAY_MS) - Math.floor((Date.now() + 8 * HOUR_MS) / DAY_MS);
  return days === 0 ? say("t.today", { time: clock(ms) }) : days === 1 ? say("t.tomorrow", { time: clock(ms) }) : stamp(ms);
}

export function remaining(seconds) {
  const all = Math.max(1, Math.ceil(seconds / 60)), hours = Math.floor(all / 60), minutes = all % 60;
  return [hours && counted("t.hours", hours), (minutes || !hours) && counted("t.minutes", minutes)].filter(Boolean).join(" ");
}
