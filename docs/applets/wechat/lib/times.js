/* Moments as the pages write them, in Asia/Shanghai whatever the phone's zone. */
const { say, counted } = require('./words');

const HOUR_MS = 3600000;
const DAY_MS = 24 * HOUR_MS;
const two = (n) => String(n).padStart(2, '0');
const shanghai = (ms) => new Date(ms + 8 * HOUR_MS);
const clock = (ms) => two(shanghai(ms).getUTCHours()) + ':' + two(shanghai(ms).getUTCMinutes());

function stamp(ms) {
  const day = say('t.day', { month: shanghai(ms).getUTCMonth() + 1, day: shanghai(ms).getUTCDate() });
  return say('t.stamp', { day, time: clock(ms) });
}
function soon(ms, now) {
  const days = Math.floor((ms + 8 * HOUR_MS) / DAY_MS) - Math.floor((now + 8 * HOUR_MS) / DAY_MS);
  if (days === 0) return say('t.today', { time: clock(ms) });
  return days === 1 ? say('t.tomorrow', { time: clock(ms) }) : stamp(ms);
}
function remaining(seconds) {
  const all = Math.max(1, Math.ceil(seconds / 60));
  const hours = Math.floor(all / 60);
  const minutes = all % 60;
  return [hours && counted('t.hours', hours), (minutes || !hours) && counted('t.minutes', minutes)].filter(Boolean).join(' ');
}

module.exports = { clock, stamp, soon, remaining };
