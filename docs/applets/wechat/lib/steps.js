/* What the progress page says at each status. Every outcome looks the same; without figures it is drawn as received. */
const { say, either, language, daysFor } = require('./words');
const platform = require('./platform');
const times = require('./times');

const at = (moment) => times.stamp(Date.parse(moment));

function second(seen) {
  if (seen.status === 'closed') return { state: 'done', title: say('pr.s2.over'), detail: at(seen.closed_at) };
  if (!seen.asked) return { state: 'now', title: say('pr.s2.received'), detail: say('pr.s2.received.d') };
  const title = say(seen.service === 'internet-accounts' ? 'pr.s2.asking' : 'pr.s2.asking.pc');
  const segments = Array.from({ length: seen.asked }, (_, n) => ({ n, filled: n < seen.answered }));
  return { state: 'now', title, detail: say('pr.s2.asking.d', seen), segments };
}
function third(seen) {
  const promise = say('pr.s3.d', { when: at(seen.reply_by) });
  if (seen.status === 'closed') {
    const time = times.clock(Date.parse(seen.closed_at));
    return { state: 'done', title: say('pr.s3.closed'), detail: say('pr.s3.closed.d', { phone: seen.phone, time }) };
  }
  return { state: 'later', title: say('pr.s3', { phone: seen.phone }), detail: promise };
}

exports.view = (seen) => {
  const closed = seen.status === 'closed';
  return {
    heading: say(closed ? 'pr.h1.closed' : 'pr.h1'),
    lead: say(closed ? 'pr.lead.closed' : 'pr.lead'),
    steps: [{ state: 'done', title: say('pr.s1'), detail: at(seen.accepted_at) }, second(seen), third(seen)].map((step, n) => Object.assign({ n: n + 1 }, step)),
    reference: grouped(seen.reference),
    facts: [{ label: say('pr.service'), text: say(seen.service === 'internet-accounts' ? 'home.ia' : 'home.pc') }],
    head: say('pr.none'),
    advice: ['pr.none.1', 'pr.none.2', 'pr.none.3'].map((key) => say(key, { when: at(seen.reply_by) })),
    watch: closed && seen.service === 'internet-accounts' ? say('nx.watch.d', seen) : '',
    closed,
  };
};

const RELAYED_AFTER_MS = 5000; /* from then on the companies have it, where number and ID agree */
const grouped = (reference) => reference.replace(/(.{4})(?=.)/g, '$1 ');
const day = (date) => {
  const [, month, dayOfMonth] = date.split('-').map(Number);
  return say('t.day', { month, day: dayOfMonth });
};

function working(seen, now) {
  const due = day(seen.due);
  const relayed = now >= Date.parse(seen.accepted_at) + RELAYED_AFTER_MS;
  return [
    { state: relayed ? 'done' : 'now', title: say('op.s2'), detail: relayed ? say('op.s2.d') : '' },
    { state: relayed ? 'now' : 'later', title: say('op.s3'), detail: say('op.s3.d', { due }) },
    { state: 'later', title: say('op.s4', seen), detail: say('op.s4.d', { due }) },
  ];
}
function over(seen) {
  const time = day(seen.closed_at);
  return [
    { state: 'done', title: say('op.s2'), detail: say('op.s2.d') },
    { state: 'done', title: say('op.s3.closed'), detail: time },
    { state: 'done', title: say('op.s4.closed'), detail: say('op.s4.closed.d', { phone: seen.phone, time }) },
  ];
}

/* An objection's page: the same whatever was found. */
exports.viewObjection = (seen) => {
  const closed = seen.status === 'closed';
  const after = closed && seen.wish === 'dispute';
  const names = platform.read('applications') || {};
  const steps = [{ state: 'done', title: say('op.s1'), detail: at(seen.accepted_at) }].concat(closed ? over(seen) : working(seen, Date.now()));
  return {
    heading: say(closed ? 'op.h1.closed' : 'op.h1'),
    lead: say(closed ? 'op.lead.closed' : 'op.lead'),
    steps: steps.map((step, n) => Object.assign({ n: n + 1 }, step)),
    reference: grouped(seen.reference),
    facts: [
      { label: say('op.wish'), text: say(seen.wish === 'unbind' ? 'op.wish.unbind' : 'op.wish.dispute') },
      { label: say('op.apps'), text: seen.applications.map((code) => either(names[code]) || code).join(language() === 'en' ? ', ' : '、') },
    ],
    head: say(after ? 'op.after' : 'op.late'),
    advice: (after ? ['op.after.1', 'op.after.2'] : ['op.late.1', 'op.late.2']).map((key) => say(key, daysFor('dispute'))),
    watch: '',
    closed,
  };
};
