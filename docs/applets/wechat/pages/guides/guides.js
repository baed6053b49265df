const api = require('../../lib/api');
const platform = require('../../lib/platform');
const { say, pick } = require('../../lib/words');

/* A company as the page shows it. What nobody verified is not told: the API leaves it out. */
function company(partner) {
  const guide = partner.guide || {};
  return {
    code: partner.code,
    name: partner.name.zh,
    applications: partner.applications.map((application) => application.name.zh).join(say('g.apps.join')),
    details: guide.details ? guide.details.zh : '',
    removal: guide.removal ? guide.removal.zh : '',
    hotline: partner.hotline ? partner.hotline.number : '',
    hours: partner.hotline && partner.hotline.hours ? partner.hotline.hours.zh : '',
    verified: partner.hotline ? say('g.verified', { date: partner.hotline.verified_on }) : '',
  };
}

Page({
  data: { elder: false, companies: [], box: null },

  onLoad() {
    this.setData({ words: pick('g.h1', 'g.lead', 'g.1.h', 'g.2.h', 'g.3.p', 'g.hot', 'g.call', 'g.hours', 'g.none.h', 'g.none.p', 'down.btn') });
    return this.look();
  },
  onShow() {
    this.setData({ elder: platform.read('elder') === true });
  },

  async look() {
    this.setData({ box: null });
    try {
      const answer = await api.partners();
      if (answer.ok) {
        const enterprises = answer.told.partners.filter((partner) => partner.kind === 'enterprise');
        this.setData({ companies: enterprises.map(company) });
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
});
