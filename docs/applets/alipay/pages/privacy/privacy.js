const platform = require('../../lib/platform');
const { lines, say, pick } = require('../../lib/words');

Page({
  data: { elder: false },

  onLoad() {
    const parts = ['what', 'whom', 'long', 'not'];
    this.setData({
      words: pick('privacy.h1', 'privacy.lead', 'privacy.version'),
      parts: parts.map((part) => ({ part, heading: say('privacy.' + part + '.h'), lines: lines('privacy.' + part) })),
    });
  },
  onShow() {
    this.setData({ elder: platform.read('elder') === true });
  },
});
