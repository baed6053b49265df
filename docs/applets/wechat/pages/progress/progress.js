const api = require('../../lib/api');
const platform = require('../../lib/platform');
const display = require('../../lib/display');
const { view, viewObjection } = require('../../lib/steps');
const { say, pick } = require('../../lib/words');

const QUICK_MS = 2000;
const SLOW_MS = 10000;
const CALM_MS = 60000;

Page(display.page({
  data: { seen: null, lost: '', missing: null, copied: '', watched: '' },

  onLoad(query) {
    this.kind = query.objection ? 'objection' : 'inquiry';
    const kept = platform.read(this.kind);
    this.reference = query.objection || query.reference;
    this.token = kept && kept.reference === this.reference ? kept.token : '';
    this.started = Date.now();
  },
  label() {
    platform.title(say('pr.h1'));
    this.setData({ words: pick('pr.ref', 'pr.copy', 'pr.done', 'pr.refresh', 'nx.h2', 'nx.objection', 'nx.objection.d', 'nx.watch', 'nx.watch.btn', 'own.watch.off'), copied: '', lost: '', watched: '' });
    if (this.told) this.setData({ seen: this.view() });
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
      const answer = await (this.kind === 'objection' ? api.lookAtObjection : api.look)(this.reference, this.token);
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
      platform.write(this.kind, { reference: this.reference, token: this.token });
    }
    this.told = answer.told;
    this.setData({ seen: this.view() });
  },
  view() {
    return this.kind === 'objection' ? viewObjection(this.told) : view(this.told);
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
  objection() {
    platform.open('/pages/objection/objection');
  },
  /* Whether there will be alerts is told by SMS alone. */
  watch() {
    return this.say(api.watch(this.reference, this.token), say('nx.watch.said'));
  },
  unwatch() {
    return this.say(api.unwatch(this.token), say('own.watch.ended'));
  },
  async say(asked, done) {
    let told = say('down.h1');
    try {
      const answer = await asked;
      if (answer.ok) told = done;
    } catch (error) {
      /* the same words say it */
    }
    this.setData({ watched: told });
  },
  refresh() {
    return this.look();
  },
  home() {
    platform.home();
  },
}));
