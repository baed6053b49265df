const display = require('../../lib/display');
const form = require('../../lib/form');
const platform = require('../../lib/platform');

Page(display.page({
  onLoad(query) {
    form.start(this, query.service);
  },
  label() {
    form.label(this);
  },
  onUnload() {
    form.forget(this);
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
