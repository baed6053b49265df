const api = require('../../lib/api');
const display = require('../../lib/display');
const platform = require('../../lib/platform');
const { say, pick, know } = require('../../lib/words');

Page(display.page({
  data: { closed: {}, last: '', objected: '', objects: false, said: '' },

  onLoad() {
    return Promise.all([this.look(), this.count()]);
  },
  label() {
    platform.title(say('site'));
    this.setData({ words: pick('home.h1', 'home.lead', 'home.ia', 'home.ia.d', 'home.pc', 'home.pc.d', 'home.privacy', 'ob.name', 'ob.name.d', 'op.ref', 'foot.guides', 'foot.guides.d', 'foot.help', 'foot.privacy', 'foot.safe', 'pr.h1', 'own.logout') });
  },
  onShow() {
    const kept = platform.read('inquiry');
    const objected = platform.read('objection');
    this.setData({ last: kept ? kept.reference : '', objected: objected ? objected.reference : '' });
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
  /* How many companies and applications the texts may name; without an answer, those of last time, or none. */
  async count() {
    try {
      const answer = await api.partners();
      if (!answer.ok) return;
      const enterprises = answer.told.partners.filter((partner) => partner.kind === 'enterprise');
      const apps = enterprises.reduce((sum, partner) => sum + partner.applications.length, 0);
      this.setData({ objects: enterprises.some((partner) => (partner.requests || []).length > 0) });
      know({ companies: enterprises.length, apps, others: Math.max(0, apps - 3) });
      this.label();
    } catch (error) {
      /* the lines that need it are left out */
    }
  },

  choose(event) {
    platform.open('/pages/query/query?service=' + event.currentTarget.dataset.service);
  },
  progress() {
    platform.open('/pages/progress/progress?reference=' + this.data.last);
  },
  objection() {
    platform.open('/pages/objection/objection');
  },
  objectionProgress() {
    platform.open('/pages/progress/progress?objection=' + this.data.objected);
  },
  guides() {
    platform.open('/pages/guides/guides');
  },
  help() {
    platform.open('/pages/help/help');
  },
  privacy() {
    platform.open('/pages/privacy/privacy');
  },
  async logout() {
    platform.write('inquiry', '');
    platform.write('objection', '');
    this.setData({ last: '', objected: '' });
    try {
      await api.logout();
    } finally {
      this.setData({ said: say('own.logged_out') });
    }
  },
}));
