/* The forms: their fields in order, what can be told about them without asking, and what a refusal means. */
const { say, counted } = require('./words');

const FIELDS = {
  phone: { label: 'f.phone', type: 'number', length: 20, empty: 'e.phone.empty' },
  id_tail: { label: 'f.tail', hint: 'f.tail.hint', type: 'idcard', length: 12, empty: 'e.tail.empty' },
  name: { label: 'pc.name', type: 'text', length: 64, empty: 'e.name.empty' },
  id_number: { label: 'pc.id', hint: 'pc.id.hint', type: 'idcard', length: 24, empty: 'e.id_number.empty' },
  code: { label: 'f.code', type: 'number', length: 12, empty: 'e.code.empty' },
};
const FORMS = {
  'internet-accounts': { heading: 'ia.h1', lead: 'ia.lead', fields: ['phone', 'id_tail', 'code'], notes: ['ia.n1', 'ia.n2', 'ia.n3', 'ia.n4'] },
  'phone-cards': { heading: 'pc.h1', lead: 'pc.lead', fields: ['name', 'id_number', 'phone', 'code'], notes: ['pc.n1', 'ia.n2', 'pc.n3', 'pc.n4'] },
};
/* The wishes of an objection: the same form with ticks above it. */
const WISHES = {
  unbind: { heading: 'ob.unbind.h1', lead: 'ob.unbind.d', fields: ['phone', 'id_tail', 'code'], notes: ['ob.n1', 'ob.n2', 'ob.n3', 'ob.n4', 'ob.n5'] },
  dispute: { heading: 'ob.dispute.h1', lead: 'ob.dispute.d', fields: ['phone', 'id_tail', 'code'], notes: ['ob.n1', 'ob.n2', 'ob.n3', 'ob.n4'] },
};
const FIELD_OF = {
  phone_invalid: 'phone',
  phone_ticket_invalid: 'phone',
  id_tail_invalid: 'id_tail',
  id_number_invalid: 'id_number',
  name_invalid: 'name',
  consent_missing: 'consent',
  code_invalid: 'code',
  code_wrong: 'code',
  code_expired: 'code',
  applications_missing: 'applications',
};

/* Nothing there, too short, too long; '' when the server has to judge. */
function fault(name, typed) {
  const text = typed.trim();
  if (!text) return say(FIELDS[name].empty);
  const signs = text.normalize('NFKC').toUpperCase().replace(/[\s().+\-\u2010-\u2015]/g, '');
  if (name === 'phone' && /^\d+$/.test(signs)) {
    const digits = signs.replace(/^(0086|86)(?=1)/, '').length;
    return digits === 11 ? '' : say('e.phone_invalid.length', { n: digits });
  }
  if (name === 'id_tail' && /^\d+X?$/.test(signs) && signs.length !== 6) {
    return counted(signs.length < 6 ? 'e.id_tail_invalid.short' : 'e.id_tail_invalid.long', Math.abs(6 - signs.length));
  }
  return '';
}

/* A refusal as a field's fault: { name, text }, or null when it is about no field. */
function refusedField(told) {
  const name = FIELD_OF[told.code];
  if (!name) return null;
  if (told.code === 'code_wrong') return { name, text: told.tries_left ? counted('e.code_wrong', told.tries_left) : say('e.code_expired') };
  if (name === 'applications') return { name, text: say('e.ob.apps') };
  return { name, text: say(told.code === 'phone_ticket_invalid' ? 'e.phone.empty' : 'e.' + told.code) };
}

module.exports = { FIELDS, FORMS, WISHES, fault, refusedField };
