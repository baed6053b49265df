const api = require('../../lib/api');
const display = require('../../lib/display');
const form = require('../../lib/form');
const platform = require('../../lib/platform');
const { say, either, daysFor, knowDays } = require('../../lib/words');

Page(display.page({
  data: { wish: '', companies: [], standIn: null, words: {}, faults: {} },

  onLoad(query) {
    this.told = [];
    this.chosen = [];
    if (query.wish === 'unbind' || query.wish === 'dispute') this.begin(query.wish);
    return this.look();
  },
  label() {
    platform.title(say('ob.h1'));
    this.setData({
      words: form.wordsOf('objection'),
      choice: {
        h1: say('ob.h1'),
        lead: say('ob.lead'),
        wishes: [
          { wish: 'unbind', title: say('ob.unbind'), text: say('ob.unbind.d', daysFor('unbind')) },
          { wish: 'dispute', title: say('ob.dispute'), text: say('ob.dispute.d', daysFor('dispute')) },
          { wish: '', title: say('ob.own'), text: say('ob.own.d') },
        ],
        unsure: say('ob.unsure'),
        band: say('ob.band'),
        order: [say('ob.band.1'), say('ob.band.2'), say('ob.band.3')],
        apps: say('ob.apps'),
        hint: say('ob.apps.hint'),
        cannot: say('ob.apps.cannot'),
      },
    });
    if (this.form) form.label(this);
    this.list();
  },
  onUnload() {
    form.forget(this);
  },

  /* What is one's own is undone in the application: the guides say how. */
  choose(event) {
    const wish = event.currentTarget.dataset.wish;
    if (!wish) {
      platform.open('/pages/guides/guides');
      return null;
    }
    this.begin(wish);
    form.label(this);
    this.list();
    return this.told.length ? null : this.look();
  },
  begin(wish) {
    form.startObjection(this, wish);
    this.setData({ wish });
  },

  /* Every application is listed, whatever an answer was. */
  async look() {
    try {
      const answer = await api.partners();
      if (answer.ok) {
        this.told = answer.told.partners.filter((partner) => partner.kind === 'enterprise');
        const names = {};
        this.told.forEach((partner) => partner.applications.forEach((one) => { names[one.code] = one.name; }));
        platform.write('applications', names);
        knowDays(answer.told.objections);
        this.label();
        return;
      }
    } catch (error) {
      /* the same box says it */
    }
    this.setData({ box: { heading: say('down.h1'), text: say('down.notice.p') } });
  },
  list() {
    const companies = this.told.map((partner) => {
      const takes = partner.requests.includes(this.wish);
      const applications = partner.applications.map((one) => ({ code: one.code, name: either(one.name), ticked: this.chosen.includes(one.code) }));
      return { code: partner.code, name: either(partner.name), takes, applications: takes ? applications : [] };
    });
    this.setData({ companies });
  },
  tick(event) {
    const { code } = event.currentTarget.dataset;
    this.chosen = this.chosen.includes(code) ? this.chosen.filter((one) => one !== code) : this.chosen.concat(code);
    this.setData({ 'faults.applications': '' });
    this.list();
  },
  ticked() {
    const listed = this.data.companies.flatMap((company) => company.applications);
    return listed.filter((one) => one.ticked).map((one) => one.code);
  },

  type(event) {
    form.type(this, event.currentTarget.dataset.name, event.detail.value);
  },
  agree() {
    this.setData({ consent: !this.data.consent, 'faults.consent': '' });
  },
  agreeId() {
    this.setData({ consentId: !this.data.consentId, 'faults.consentId': '' });
  },
  usePhone(event) {
    return form.usePhone(this, event);
  },
  askCode() {
    return form.askCode(this);
  },
  submit() {
    return form.submit(this);
  },
  privacy() {
    platform.open('/pages/privacy/privacy');
  },
  home() {
    platform.home();
  },
}));
