const display = require('../../lib/display');
const platform = require('../../lib/platform');
const { say, parts } = require('../../lib/words');

Page(display.page({
  data: { heading: '', parts: [] },

  label() {
    platform.title(say('help.h1'));
    this.setData({ heading: say('help.h1'), parts: parts('help') });
  },
}));
