/* The words: texts.js has those of the web pages, by the same keys; below are the few that only a mini program needs. */
const texts = require('./texts');

const OWN = {
  'own.phone': '使用{platform}绑定的手机号码',
  'own.phone.none': '{platform}没有提供号码，请直接填写',
  'own.login': '{platform}登录没有成功，请稍后再试',
  'own.logout': '退出登录',
  'own.logged_out': '已退出',
};

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
function say(key, values) {
  return fill((OWN[key] || texts[key]).replace(/\|/g, ''), values || {});
}
function counted(key, n) {
  return say(n === 1 && texts[key + '.one'] ? key + '.one' : key, { n });
}
/* Several texts at once, as a page's data: { 'f.phone': ... } is not a name a template can use, so dots become _. */
function pick(...keys) {
  const found = {};
  keys.forEach((key) => { found[key.replace(/\./g, '_')] = say(key, { companies: 8, apps: 11, others: 8 }); });
  return found;
}

module.exports = { say, counted, pick, lines: (key) => say(key).split('\n') };
