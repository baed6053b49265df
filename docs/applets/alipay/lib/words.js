/* The words: texts.js has those of the web pages in both languages, by the same keys; below are the few that only a
   mini program needs. */
const texts = require('./texts');
const platform = require('./platform');

const OWN = {
  'zh-CN': {
    'own.phone': '使用{platform}绑定的手机号码',
    'own.phone.none': '{platform}没有提供号码，请直接填写',
    'own.login': '{platform}登录没有成功，请稍后再试',
    'own.logout': '退出登录',
    'own.logged_out': '已退出',
    'own.copy.none': '没有复制成功，请记下编号',
    'own.watch.off': '停止提醒',
    'own.watch.ended': '已提交，不再提醒',
  },
  en: {
    'own.phone': 'Use the number tied to {platform}',
    'own.phone.none': '{platform} gives no number; please type it',
    'own.login': 'Logging in with {platform} did not work; try again later',
    'own.logout': 'Log out',
    'own.logged_out': 'Logged out',
    'own.copy.none': 'Not copied; please note the number',
    'own.watch.off': 'Stop alerts',
    'own.watch.ended': 'Submitted; no more alerts',
  },
};
const NAMES = { companies: 0, apps: 0, others: 0 };

/* The language that was chosen, else the platform's. */
function language() {
  return platform.read('lang') || (/^en/i.test(platform.language()) ? 'en' : 'zh-CN');
}
function speak(chosen) {
  platform.write('lang', chosen);
}
/* Of a text that the API has in both. */
function either(both) {
  return both ? both[language() === 'en' ? 'en' : 'zh'] || '' : '';
}
/* How many companies and applications there are: the catalogue says it, and it is remembered. */
function know(facts) {
  platform.write('facts', Object.assign({}, NAMES, facts));
}

/* Working days that companies have for a wish, for the texts: the catalogue says it. */
function daysFor(wish) {
  const told = platform.read('days') || {};
  return told[wish] ? { days: told[wish] } : {};
}
function knowDays(told) {
  platform.write('days', told ? { unbind: told.unbind_days, dispute: told.dispute_days } : {});
}

/* A line that needs what nobody told is left out. */
function fill(text, values) {
  const known = Object.assign({ guides: find('foot.guides') }, platform.read('facts'), { platform: platform.name(language()) }, values);
  const lines = text.replace(/\|/g, '').split('\n');
  const told = lines.filter((line) => (line.match(/\{\w+\}/g) || []).every((name) => known[name.slice(1, -1)] !== undefined));
  return told.map((line) => line.replace(/\{(\w+)\}/g, (_, name) => known[name])).join('\n');
}
function find(key) {
  return OWN[language()][key] || texts[language()][key];
}
function say(key, values) {
  return fill(find(key), values);
}
function counted(key, n) {
  return say(n === 1 && find(key + '.one') ? key + '.one' : key, { n });
}
/* Several texts at once, as a page's data: { 'f.phone': ... } is not a name a template can use, so dots become _. */
function pick(...keys) {
  const found = {};
  keys.forEach((key) => { found[key.replace(/\./g, '_')] = say(key); });
  return found;
}
/* The parts of a page that is all text, in its order: headings end in `.h` or `.q`, what they head in nothing or `.a`. */
function parts(page) {
  const heads = Object.keys(texts[language()]).map((key) => new RegExp('^' + page + '\\.(\\w+)\\.[hq]$').exec(key)).filter(Boolean);
  return heads.map(([key, part]) => ({
    part,
    heading: say(key),
    lines: say(texts[language()][page + '.' + part + '.a'] ? page + '.' + part + '.a' : page + '.' + part).split('\n').filter(Boolean),
  }));
}

module.exports = { say, counted, pick, parts, language, speak, either, know, daysFor, knowDays };
