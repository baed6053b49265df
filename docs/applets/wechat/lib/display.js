/* What every page has at its top: large letters, as chosen here or on the phone, and the other language. */
const platform = require('./platform');
const { say, language, speak } = require('./words');

const LARGE_PX = 20; /* both platforms' letters are 16 or 17 px until somebody enlarges them */

function elder() {
  const chosen = platform.read('elder');
  return typeof chosen === 'boolean' ? chosen : platform.letters() >= LARGE_PX;
}

function refresh(page) {
  const large = elder();
  page.setData({ elder: large, top: { size: say(large ? 'top.standard' : 'top.elder'), language: say('top.lang') } });
  if (page.spoken !== language()) {
    page.spoken = language();
    page.label();
  }
}

/* A page whose `label` says its words: at the beginning, and again when another language was chosen. */
exports.page = (own) => Object.assign({}, own, {
  data: Object.assign({ elder: false, top: {} }, own.data),

  onShow() {
    refresh(this);
    return own.onShow && own.onShow.call(this);
  },
  enlarge() {
    platform.write('elder', !this.data.elder);
    refresh(this);
  },
  translate() {
    speak(language() === 'en' ? 'zh-CN' : 'en');
    refresh(this);
  },
});
