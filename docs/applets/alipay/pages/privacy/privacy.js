const display = require('../../lib/display');
const platform = require('../../lib/platform');
const { say, pick, parts } = require('../../lib/words');

Page(display.page({
  data: { parts: [] },

  label() {
    platform.title(say('privacy.h1'));
    this.setData({ words: pick('privacy.h1', 'privacy.lead', 'privacy.version'), parts: parts('privacy') });
  },
}));
