const api = require('../../lib/api');
const platform = require('../../lib/platform');
const display = require('../../lib/display');
const { view } = require('../../lib/steps');
const { say, pick } = require('../../lib/words');

const QUICK_MS = 2000;
const SLOW_MS = 10000;
const CALM_MS = 60000;

Page(display.page({
  data: { seen: null, lost: '', missing: null, copied: '' },

  onLoad(query) {
    const kept = platform.read('inquiry');
    this.reference = query.reference;
    this.token = kept && kept.reference === query.reference ? kept.token : '';
    this.started = Date.now();
  },
  label() {
    platform.title(say('pr.h1'));
    this.setData({ words: pick('pr.ref', 'pr.service', 'pr.copy', 'pr.none', 'pr.done', 'pr.refresh'), copied: '', lost: '' });
    if (this.told) this.setData({ seen: view(this.told) });
    if (this.data.missing) this.setData({ missing: { heading: say('404.h1'), lead: say('404.lead') } });
  },
  onShow() {
    return this.look();
  },
  onHide() {
    this.rest();
  },
  onUnload() {
    this.rest();
  },

  async look() {
    this.rest();
    try {
      const answer = await api.look(this.reference, this.token);
      if (answer.status === 404 || answer.status === 401) {
        this.setData({ missing: { heading: say('404.h1'), lead: say('404.lead') } });
        return;
      }
      this.setData({ lost: answer.ok ? '' : say('pr.lost') });
      if (answer.ok) this.show(answer);
    } catch (error) {
      this.setData({ lost: say('pr.lost') });
    }
    this.plan();
  },
  show(answer) {
    if (answer.token !== this.token) {
      this.token = answer.token;
      platform.write('inquiry', { reference: this.reference, token: this.token });
    }
    this.told = answer.told;
    this.setData({ seen: view(this.told) });
  },
  plan() {
    if (this.data.seen && this.data.seen.closed) return;
    const age = Date.now() - this.started;
    this.timer = setTimeout(() => this.look(), age < 30000 ? QUICK_MS : age < 300000 ? SLOW_MS : CALM_MS);
  },
  rest() {
    clearTimeout(this.timer);
  },

  copy() {
    platform.copy(this.reference, () => this.setData({ copied: say('pr.copied') }), () => this.setData({ lost: say('own.copy.none') }));
  },
  refresh() {
    return this.look();
  },
  home() {
    platform.home();
  },
}));
