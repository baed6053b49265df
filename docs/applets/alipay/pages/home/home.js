const api = require('../../lib/api');
const platform = require('../../lib/platform');
const { say, pick } = require('../../lib/words');

Page({
  data: { elder: false, closed: {}, last: '', said: '' },

  onLoad() {
    this.setData({ words: pick('home.h1', 'home.lead', 'home.ia', 'home.ia.d', 'home.pc', 'home.pc.d', 'home.privacy', 'foot.guides', 'foot.guides.d', 'foot.privacy', 'foot.safe', 'top.elder', 'top.standard', 'pr.h1', 'own.logout') });
    return this.look();
  },

  onShow() {
    const kept = platform.read('inquiry');
    this.setData({ elder: platform.read('elder') === true, last: kept ? kept.reference : '' });
  },

  /* Which services are open; without an answer both are offered, and the server decides later. */
  async look() {
    try {
      const answer = await api.services();
      if (!answer.ok) return;
      const open = answer.told.services.map((service) => service.code);
      this.setData({ closed: { ia: !open.includes('internet-accounts'), pc: !open.includes('phone-cards') } });
    } catch (error) {
      this.setData({ closed: {} });
    }
  },

  choose(event) {
    platform.open('/pages/query/query?service=' + event.currentTarget.dataset.service);
  },
  progress() {
    platform.open('/pages/progress/progress?reference=' + this.data.last);
  },
  guides() {
    platform.open('/pages/guides/guides');
  },
  privacy() {
    platform.open('/pages/privacy/privacy');
  },
  toggle() {
    platform.write('elder', !this.data.elder);
    this.setData({ elder: !this.data.elder });
  },
  async logout() {
    platform.write('inquiry', '');
    this.setData({ last: '' });
    try {
      await api.logout();
    } finally {
      this.setData({ said: say('own.logged_out') });
    }
  },
});
