const api = require('../../lib/api');
const platform = require('../../lib/platform');
const display = require('../../lib/display');
const { say, pick, either } = require('../../lib/words');

/* A company as the page shows it. What nobody verified is not told: the API leaves it out. */
function company(partner) {
  const guide = partner.guide || {};
  const steps = (both) => either(both).split('\n').filter(Boolean);
  return {
    code: partner.code,
    name: either(partner.name),
    applications: partner.applications.map((application) => either(application.name)).join(say('g.apps.join')),
    details: steps(guide.details),
    removal: steps(guide.removal),
    hotline: partner.hotline ? partner.hotline.number : '',
    hours: partner.hotline ? either(partner.hotline.hours) : '',
    verified: partner.hotline ? say('g.verified', { date: partner.hotline.verified_on }) : '',
  };
}

Page(display.page({
  data: { companies: [], box: null },

  onLoad() {
    this.enterprises = [];
    return this.look();
  },
  label() {
    platform.title(say('g.h1'));
    this.setData({
      words: pick('g.h1', 'g.lead', 'g.1.h', 'g.2.h', 'g.3.p', 'g.hot', 'g.call', 'g.hours', 'g.none.h', 'g.none.p', 'down.btn'),
      companies: this.enterprises.map(company),
      box: this.data.box ? { heading: say('down.h1') } : null,
    });
  },

  async look() {
    this.setData({ box: null });
    try {
      const answer = await api.partners();
      if (answer.ok) {
        this.enterprises = answer.told.partners.filter((partner) => partner.kind === 'enterprise');
        this.setData({ companies: this.enterprises.map(company) });
        return;
      }
    } catch (error) {
      /* the same box says it */
    }
    this.setData({ box: { heading: say('down.h1') } });
  },
  dial(event) {
    platform.dial(event.currentTarget.dataset.number);
  },
}));
