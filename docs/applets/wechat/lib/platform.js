/* WeChat's side of everything the pages need; the only file besides config.js that differs from Alipay's client. */
const TIMEOUT_MS = 15000;

exports.name = (language) => (language === 'en' ? 'WeChat' : '微信');

/* The one-time login code; rejects when WeChat gives none. */
exports.login = () => new Promise((resolve, reject) => {
  wx.login({ timeout: TIMEOUT_MS, success: (got) => (got.code ? resolve(got.code) : reject(new Error('login'))), fail: reject });
});

/* One HTTP call: { status, told, headers }; rejects when the net gave no answer. */
exports.request = (method, url, headers, body) => new Promise((resolve, reject) => {
  wx.request({
    url,
    method,
    header: headers,
    data: body === undefined ? undefined : JSON.stringify(body),
    dataType: 'json',
    timeout: TIMEOUT_MS,
    success: (answer) => resolve({ status: answer.statusCode, told: answer.data || {}, headers: answer.header || {} }),
    fail: reject,
  });
});

/* What the phone button gave, in the API's words; null when the citizen or WeChat gave nothing. */
exports.phoneCredential = async (event) => (event.detail && event.detail.code ? { code: event.detail.code } : null);

exports.open = (url) => wx.navigateTo({ url });
exports.replace = (url) => wx.redirectTo({ url });
exports.home = () => wx.reLaunch({ url: '/pages/home/home' });
exports.title = (text) => wx.setNavigationBarTitle({ title: text });
exports.top = () => wx.pageScrollTo({ scrollTop: 0, duration: 0 });
exports.copy = (text, done, failed) => wx.setClipboardData({ data: text, success: done, fail: failed });
exports.dial = (number) => wx.makePhoneCall({ phoneNumber: number, fail: () => {} });
exports.read = (key) => wx.getStorageSync(key);
exports.write = (key, value) => wx.setStorageSync(key, value);

/* The language and the letters (px) that WeChat is set to; what an older WeChat does not tell is what most have. */
const system = () => (wx.getAppBaseInfo ? wx.getAppBaseInfo() : wx.getSystemInfoSync());
exports.language = () => system().language || 'zh_CN';
exports.letters = () => system().fontSizeSetting || 16;
