/* The calls of /api/v1. An answer is { ok, status, told, token }; a rejected promise means that the net gave none. */
const config = require('../config');
const platform = require('./platform');

const FRESH = 'session-token';
let token = '';
let opening = null;

async function send(method, path, body, bearer, key) {
  const headers = { Accept: 'application/json' };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (bearer) headers.Authorization = 'Bearer ' + bearer;
  if (key) headers['Idempotency-Key'] = key;
  const { status, told, headers: got } = await platform.request(method, config.api + path, headers, body);
  const name = Object.keys(got).find((one) => one.toLowerCase() === FRESH);
  const fresh = name ? [].concat(got[name])[0] : '';
  return { ok: status >= 200 && status < 300, status, told, token: fresh || bearer };
}

/* Log in. Two calls that start at once share one login: a login code is good once. */
function open() {
  if (!opening) {
    opening = platform.login()
      .then((code) => send('POST', '/sessions', { entrance: config.entrance, code }))
      .then((answer) => {
        if (answer.ok) token = answer.told.token;
        return answer;
      })
      .finally(() => { opening = null; });
  }
  return opening;
}

/* A call in the session; one that is over is opened anew, once. */
async function call(method, path, body, key) {
  for (let again = 0; ; again += 1) {
    if (!token) {
      const opened = await open();
      if (!opened.ok) return opened;
    }
    const used = token;
    const answer = await send(method, path, body, used, key);
    if (answer.status !== 401 || again) {
      if (token === used) token = answer.token;
      return answer;
    }
    if (token === used) token = '';
  }
}

exports.services = () => send('GET', '/services');
exports.partners = () => send('GET', '/partners');
exports.readPhone = (credential) => call('POST', '/phone-numbers', credential);
exports.askCode = (service, phone) => call('POST', '/verification-codes', { service, phone });
exports.submit = (form, key) => call('POST', '/inquiries', form, key);
exports.object = (form, key) => call('POST', '/objections', form, key);

/* Progress is shown to the session that submitted, even when that is over for all else: its token is kept with it. */
exports.look = (reference, bearer) => send('GET', '/inquiries/' + reference, undefined, bearer);
exports.lookAtObjection = (reference, bearer) => send('GET', '/objections/' + reference, undefined, bearer);

/* Alerts are turned on in the inquiry's own session: it alone can open the number. */
exports.watch = (reference, bearer) => send('POST', '/watches', { reference }, bearer);
exports.unwatch = (bearer) => send('DELETE', '/watches', undefined, bearer);

/* Let the next call log in anew: Alipay's phone credential is taken only within five minutes of the login. */
exports.renew = () => { token = ''; };

exports.logout = async () => {
  const ended = token;
  token = '';
  return ended ? send('DELETE', '/sessions', undefined, ended) : null;
};
