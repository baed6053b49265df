/* Runs a mini program's pages under Node: a platform that records, a net that is scripted or real, and one scenario.

   Reads {client, kind, scenario, api, sandbox, phone} from standard input; prints {calls} or fails with what did not hold. */
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');

const play = JSON.parse(fs.readFileSync(0, 'utf8'));
const at = (...names) => path.join(play.client, ...names);
const stage = { assert, play, calls: [], answers: [], visited: [], kept: {}, title: '', dialled: '', copied: '', logins: 0, phoneTold: true, letters: 16, spoken: 'zh_CN' };

require(at('config.js')).api = play.api;

/* ---- The net ---- */

async function answerOf(call) {
  stage.calls.push(call);
  if (play.sandbox) {
    const answer = await fetch(call.url, { method: call.method, headers: call.headers, body: call.body });
    const text = await answer.text();
    return { status: answer.status, text, headers: Object.fromEntries(answer.headers) };
  }
  const next = call.path === '/sessions' && call.method === 'POST' && stage.logsIn !== false ? { status: 201, told: { token: 'token-' + stage.logins, expires_in: 1800 } } : stage.answers.shift();
  assert.ok(next, 'a call that the scenario does not expect: ' + call.method + ' ' + call.path);
  if (next === 'offline') throw new Error('offline');
  await null;
  return { status: next.status, text: JSON.stringify(next.told || {}), headers: next.headers || {} };
}
function request(method, wish, headers) {
  const call = { method, url: wish.url, path: wish.url.replace(play.api, ''), headers, body: wish.data };
  return answerOf(call);
}
async function ask(where, wish) {
  const answer = await fetch(play.sandbox + where, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(wish) });
  return answer.json();
}
async function loginCode(where) {
  stage.logins += 1;
  return play.sandbox ? (await ask(where, { citizen: play.phone })).code : 'code-' + stage.logins;
}

/* ---- The platforms ---- */

const visit = ({ url }) => stage.visited.push(url);

global.wx = {
  login: ({ success, fail }) => { loginCode('/wechat/applet/login-codes').then((code) => success({ code }), fail); },
  request: ({ success, fail, ...wish }) => {
    request(wish.method, wish, wish.header).then((got) => {
      let data = got.text;
      try { data = JSON.parse(got.text); } catch (error) { /* as WeChat does: what is no JSON stays text */ }
      success({ statusCode: got.status, data, header: got.headers });
    }, fail);
  },
  navigateTo: visit, redirectTo: visit, reLaunch: visit,
  setNavigationBarTitle: ({ title }) => { stage.title = title; },
  pageScrollTo: () => {},
  setClipboardData: ({ data, success, fail }) => { if (stage.locked) fail(); else { stage.copied = data; success(); } },
  getAppBaseInfo: () => ({ language: stage.spoken, fontSizeSetting: stage.letters }),
  makePhoneCall: ({ phoneNumber }) => { stage.dialled = phoneNumber; },
  getStorageSync: (key) => (key in stage.kept ? stage.kept[key] : ''),
  setStorageSync: (key, value) => { stage.kept[key] = value; },
};
global.my = {
  getAuthCode: ({ success, fail }) => { loginCode('/alipay/login-codes').then((authCode) => success({ authCode }), fail); },
  request: ({ success, fail, ...wish }) => {
    request(wish.method, wish, wish.headers).then((got) => {
      const answer = { status: got.status, data: got.text, headers: got.headers };
      if (got.status < 400) success(answer);
      else fail({ error: 19, errorMessage: 'http status error', ...answer });
    }, (error) => fail({ error: 12, errorMessage: String(error) }));
  },
  getPhoneNumber: ({ success, fail }) => {
    if (!stage.phoneTold) fail({ error: 40003 });
    else if (play.sandbox) ask('/alipay/phone-credentials', { phone: play.phone }).then((told) => success({ response: JSON.stringify(told) }), fail);
    else success({ response: JSON.stringify({ response: 'c2VhbGVk', sign: 'c2lnbg==' }) });
  },
  navigateTo: visit, redirectTo: visit, reLaunch: visit,
  setNavigationBar: ({ title }) => { stage.title = title; },
  pageScrollTo: () => {},
  setClipboard: ({ text, success, fail }) => { if (stage.locked) fail(); else { stage.copied = text; success(); } },
  getSystemInfoSync: () => ({ language: stage.spoken, fontSizeSetting: stage.letters }),
  makePhoneCall: ({ number }) => { stage.dialled = number; },
  getStorageSync: ({ key }) => ({ data: key in stage.kept ? stage.kept[key] : null }),
  setStorageSync: ({ key, data }) => { stage.kept[key] = data; },
};
delete global[play.kind === 'wechat' ? 'my' : 'wx'];

/* What the phone button's event is. */
stage.press = async () => {
  if (play.kind === 'alipay') return { type: stage.phoneTold ? 'getAuthorize' : 'error', detail: {} };
  if (!stage.phoneTold) return { detail: { errMsg: 'getPhoneNumber:fail user deny' } };
  if (!play.sandbox) return { detail: { code: 'phone-code' } };
  return { detail: { code: (await ask('/wechat/applet/phone-codes', { phone: play.phone, citizen: play.phone })).code } };
};

/* ---- Pages ---- */

function put(data, name, value) {
  const steps = name.split('.');
  const last = steps.pop();
  steps.reduce((here, step) => (here[step] ??= {}), data)[last] = value;
}
stage.load = async (name, query) => {
  let definition;
  global.Page = (given) => { definition = given; };
  const file = at('pages', name, name + '.js');
  delete require.cache[require.resolve(file)];
  require(file);
  const page = Object.assign(Object.create(definition), definition);
  page.data = structuredClone(definition.data || {});
  page.setData = (patch) => Object.entries(patch).forEach(([key, value]) => put(page.data, key, structuredClone(value)));
  const loaded = page.onLoad && page.onLoad(query || {});
  page.onShow && await page.onShow();
  await loaded;
  checkTemplate(name, page);
  return page;
};
/* A template calls only what its page has, and shows only words that the page was given. */
function checkTemplate(name, page) {
  const own = fs.readFileSync(at('pages', name, name + (play.kind === 'wechat' ? '.wxml' : '.axml')), 'utf8');
  const text = own.replace(/<include src="([^"]+)" \/>/g, (_, src) => fs.readFileSync(at('pages', name, src), 'utf8'));
  for (const [, handler] of text.matchAll(/(?:bind\w+|on[A-Z]\w*)="(\w+)"/g)) assert.equal(typeof page[handler], 'function', name + ': ' + handler);
  for (const [, word] of text.matchAll(/words\.(\w+)/g)) assert.equal(typeof page.data.words[word], 'string', name + ': ' + word);
  assert.doesNotMatch(JSON.stringify(page.data), /undefined|\{\w+\}/, name);
}
stage.type = (page, name, value) => page.type({ currentTarget: { dataset: { name } }, detail: { value } });
stage.until = async (ready, what) => {
  const end = Date.now() + 60000;
  while (!await ready()) {
    assert.ok(Date.now() < end, what);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
stage.messages = async () => (await fetch(play.sandbox + '/messages?phone=' + play.phone)).json();

require('./scenarios')[play.scenario](stage).then(
  () => {
    const calls = stage.calls.map(({ method, path: where, headers, body }) => ({ method, path: where, headers, body: body === undefined ? null : JSON.parse(body) }));
    process.stdout.write(JSON.stringify({ calls }), () => process.exit(0));
  },
  (error) => { process.stderr.write(String(error.stack)); process.exit(1); },
);
