/* The behaviour of the query's form and of an objection's. A form is submitted with one key however often it is tried, so it counts once. */
const api = require('./api');
const platform = require('./platform');
const { FIELDS, FORMS, WISHES, fault, refusedField } = require('./fields');
const { say, pick, daysFor } = require('./words');
const times = require('./times');

/* It need not be secret, only new. */
const newKey = () => Array.from({ length: 32 }, () => Math.floor(Math.random() * 16).toString(16)).join('');

function start(page, service) {
  page.service = FORMS[service] ? service : 'internet-accounts';
  page.form = FORMS[page.service];
  begin(page);
}
/* An objection: `page.data.companies` are what can be ticked. */
function startObjection(page, wish) {
  page.service = 'objection';
  page.wish = wish;
  page.form = WISHES[wish];
  begin(page);
}
function begin(page) {
  page.key = newKey();
  page.ticket = '';
  page.setData({ values: {}, faults: {}, remark: '', box: null, standIn: null, consent: false, consentId: false, busy: false, sending: false, wait: 0 });
}

/* Its words; what was typed stays. What was said before in another language goes. */
function label(page) {
  const form = page.form;
  platform.title(say(form.heading));
  page.setData({
    heading: say(form.heading),
    lead: say(form.lead, page.wish ? daysFor(page.wish) : {}),
    fields: form.fields.map((name) => ({
      name,
      label: say(FIELDS[name].label),
      hint: page.wish && name === 'id_tail' ? say('ob.tail.hint') : FIELDS[name].hint ? say(FIELDS[name].hint) : '',
      type: FIELDS[name].type,
      length: FIELDS[name].length,
    })),
    notes: form.notes.map((key) => say(key)),
    faults: {},
    remark: '',
    box: null,
    codeButton: page.data.wait ? say('f.code.wait', { seconds: page.data.wait }) : say('f.code.get'),
    words: wordsOf(page.wish ? 'objection' : page.service),
  });
}
function wordsOf(service) {
  const objection = service === 'objection';
  return Object.assign(pick('f.consent.privacy', 'f.sending', 'own.phone'), {
    own_home: say('limit.btn'),
    consent: say(objection ? 'ob.consent' : 'f.consent', { privacy: '' }),
    consentId: say('f.consent_id.' + (objection ? 'internet-accounts' : service)),
    submit: say(objection ? 'ob.submit' : 'f.submit'),
    notes: say(objection ? 'ob.notes' : 'ia.notes'),
  });
}

function type(page, name, value) {
  if (name === 'phone') page.ticket = '';
  page.setData({ ['values.' + name]: value, ['faults.' + name]: '' });
}

const typed = (page, name) => page.data.values[name] || '';
const faultOf = (page, name) => (name === 'phone' && page.ticket ? '' : fault(name, typed(page, name)));
const phoneOf = (page) => page.ticket || typed(page, 'phone');

/* The platform's number pre-fills; when it tells none, the citizen types. */
async function usePhone(page, event) {
  if (page.data.sending || page.data.busy) return;
  page.setData({ sending: true });
  try {
    const credential = await platform.phoneCredential(event);
    let answer = credential && await api.readPhone(credential);
    if (answer && answer.told.code === 'login_too_old') {
      api.renew();
      answer = await api.readPhone(credential);
    }
    if (answer && answer.ok) {
      type(page, 'phone', answer.told.phone);
      page.ticket = answer.told.ticket;
    } else if (credential) {
      page.setData({ 'faults.phone': say('own.phone.none') });
    }
  } catch (error) {
    page.setData({ 'faults.phone': say('own.phone.none') });
  }
  page.setData({ sending: false });
}

function askCode(page) {
  if (page.data.sending || page.data.busy || page.data.wait) return null;
  const text = faultOf(page, 'phone');
  if (text) {
    page.setData({ 'faults.phone': text });
    return null;
  }
  page.sent = sendCode(page);
  return page.sent;
}
async function sendCode(page) {
  const old = typed(page, 'code');
  page.setData({ sending: true, remark: '', codeButton: say('f.code.sending') });
  try {
    const answer = await api.askCode(page.service, phoneOf(page));
    page.setData({ sending: false, codeButton: say('f.code.get') });
    if (!answer.ok) {
      refused(page, answer);
      return;
    }
    const minutes = Math.round(answer.told.expires_in / 60);
    /* An earlier code is good no more. The new one may have come, and been typed, before this answer did. */
    if (typed(page, 'code') === old) type(page, 'code', '');
    page.setData({ box: null, remark: say('f.code.sent', { phone: answer.told.phone, minutes }) });
    wait(page, answer.told.resend_after);
  } catch (error) {
    page.setData({ sending: false, codeButton: say('f.code.get'), remark: say('e.offline.code') });
  }
}

/* The countdown runs from a deadline: a screen that slept shows the right second. */
function wait(page, seconds) {
  page.readyAt = Date.now() + seconds * 1000;
  clearInterval(page.ticker);
  page.ticker = setInterval(() => tick(page), 250);
  tick(page);
}
function tick(page) {
  const left = Math.max(0, Math.ceil((page.readyAt - Date.now()) / 1000));
  if (left === page.data.wait && left) return;
  page.setData({ wait: left, codeButton: left ? say('f.code.wait', { seconds: left }) : say('f.code.again') });
  if (left) return;
  stop(page);
  page.setData({ remark: say('f.code.help') });
}
function stop(page) {
  clearInterval(page.ticker);
}

/* A press while a code is being sent counts: it waits for that answer, and the button says so. */
async function submit(page) {
  if (page.data.busy) return;
  if (page.data.sending) {
    page.setData({ busy: true });
    await page.sent;
    page.setData({ busy: false });
  }
  const names = page.form.fields;
  const found = {};
  const applications = page.wish ? page.ticked() : [];
  if (page.wish && !applications.length) found.applications = say('e.ob.apps');
  names.forEach((name) => { const text = faultOf(page, name); if (text) found[name] = text; });
  if (!page.data.consent) found.consent = say(page.wish ? 'e.ob.consent' : 'e.consent_missing');
  if (!page.data.consentId) found.consentId = say('e.consent_id_missing');
  const n = Object.keys(found).length;
  page.setData({ faults: found, box: n ? { heading: n === 1 ? say('e.box.one') : say('e.box', { n }) } : null });
  if (n) {
    platform.top();
    return;
  }
  const body = page.wish ? { wish: page.wish, applications, consent: true } : { service: page.service, consent: true };
  names.forEach((name) => { body[name] = name === 'phone' ? phoneOf(page) : typed(page, name); });
  page.setData({ busy: true });
  try {
    const answer = await (page.wish ? api.object : api.submit)(body, page.key);
    page.setData({ busy: false });
    if (!answer.ok) {
      refused(page, answer);
      return;
    }
    platform.write(page.wish ? 'objection' : 'inquiry', { reference: answer.told.reference, token: answer.token });
    forget(page);
    platform.replace('/pages/progress/progress?' + (page.wish ? 'objection=' : 'reference=') + answer.told.reference);
  } catch (error) {
    page.setData({ busy: false, box: { heading: say('e.offline.h'), text: say('e.offline.p') } });
  }
}

/* A field's fault, a state that stands in for the form, or a box while the values are held. */
function refused(page, answer) {
  const told = answer.told;
  const field = refusedField(told);
  if (field) {
    if (told.code === 'phone_ticket_invalid') type(page, 'phone', '');
    if (field.name === 'code') type(page, 'code', '');
    page.setData({ ['faults.' + field.name]: field.text });
  } else if (told.limit === 'code_per_phone_gap') {
    page.setData({ remark: say('f.code.soon') });
    wait(page, told.retry_after);
  } else if (STANDS_IN[told.code]) {
    objectionRefused(page, STANDS_IN[told.code], told.retry_after);
  } else if (told.code === 'too_soon' && page.wish) {
    page.setData({ 'faults.applications': say('e.ob.recent', { when: later(told.retry_after) }) });
  } else if (told.code === 'too_soon') {
    standIn(page, 'soon', told.retry_after);
  } else if (told.code === 'limit_reached' && /^codes_per_/.test(told.limit)) {
    standIn(page, 'limit', told.retry_after);
  } else if (told.code === 'idempotency_conflict') {
    page.setData({ box: { heading: say('conflict') } });
  } else if (/^login_/.test(told.code) || answer.status === 401) {
    page.setData({ box: { heading: say('own.login') } });
  } else {
    page.setData({ box: { heading: say('down.h1'), text: say('down.notice.p') } });
  }
}
const later = (seconds) => times.soon(Date.now() + seconds * 1000, Date.now());
const STANDS_IN = { objection_open: ['ob.open.h1', 'ob.open.lead'], number_too_new: ['ob.new.h1', 'ob.new.lead'], objections_used_up: ['ob.many.h1', 'ob.many.lead'] };
function objectionRefused(page, [heading, lead], seconds) {
  stop(page);
  page.setData({ standIn: { heading: say(heading), lead: say(lead, { when: later(seconds || 0) }), title: '', text: '' } });
  platform.top();
}
function standIn(page, name, seconds) {
  const values = { when: later(seconds), left: times.remaining(seconds) };
  stop(page);
  page.setData({ standIn: { heading: say(name + '.h1'), lead: say(name + '.lead', values), title: say(name + '.box.h'), text: say(name + '.box.p') } });
  platform.top();
}

/* ID digits and codes do not stay on a page that is left. */
function forget(page) {
  stop(page);
  page.ticket = '';
  page.setData({ values: {} });
}

module.exports = { start, startObjection, label, wordsOf, type, usePhone, askCode, submit, forget, stop };
