/* Alipay's side of everything the pages need; the only file besides config.js that differs from WeChat's client. */
const TIMEOUT_MS = 15000;

function parse(text) {
  if (typeof text !== 'string') return text || {};
  try {
    return JSON.parse(text) || {};
  } catch (error) {
    return {};
  }
}

exports.name = (language) => (language === 'en' ? 'Alipay' : '支付宝');

/* The one-time login code; rejects when Alipay gives none. */
exports.login = () => new Promise((resolve, reject) => {
  my.getAuthCode({ scopes: 'auth_base', success: (got) => (got.authCode ? resolve(got.authCode) : reject(new Error('login'))), fail: reject });
});

/* One HTTP call: { status, told, headers }; rejects when the net gave no answer. Alipay calls a status over 399 a failure. */
exports.request = (method, url, headers, body) => new Promise((resolve, reject) => {
  const answered = (answer) => resolve({ status: answer.status, told: parse(answer.data), headers: answer.headers || {} });
  my.request({
    url,
    method,
    headers,
    data: body === undefined ? undefined : JSON.stringify(body),
    dataType: 'text',
    timeout: TIMEOUT_MS,
    success: answered,
    fail: (failure) => (failure.status >= 400 ? answered(failure) : reject(failure)),
  });
});

/* What the phone button gave, in the API's words; null when the citizen or Alipay gave nothing. */
exports.phoneCredential = (event) => new Promise((resolve) => {
  if (event.type === 'error') {
    resolve(null);
    return;
  }
  my.getPhoneNumber({
    success: (got) => {
      const { response, sign } = parse(got.response);
      resolve(typeof response === 'string' && sign ? { response, sign } : null);
    },
    fail: () => resolve(null),
  });
});

exports.open = (url) => my.navigateTo({ url });
exports.replace = (url) => my.redirectTo({ url });
exports.home = () => my.reLaunch({ url: '/pages/home/home' });
exports.title = (text) => my.setNavigationBar({ title: text });
exports.top = () => my.pageScrollTo({ scrollTop: 0, duration: 0 });
exports.copy = (text, done, failed) => my.setClipboard({ text, success: done, fail: failed });
exports.dial = (number) => my.makePhoneCall({ number });
exports.read = (key) => my.getStorageSync({ key }).data;
exports.write = (key, value) => my.setStorageSync({ key, data: value });

/* The language and the letters (px) that Alipay is set to. */
exports.language = () => my.getSystemInfoSync().language || 'zh-Hans';
exports.letters = () => my.getSystemInfoSync().fontSizeSetting || 16;
