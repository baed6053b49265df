/* What the progress page says at each status. Every outcome looks the same; without figures it is drawn as received. */
const { say } = require('./words');
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
    reference: seen.reference.replace(/(.{4})(?=.)/g, '$1 '),
    service: say(seen.service === 'internet-accounts' ? 'home.ia' : 'home.pc'),
    advice: ['pr.none.1', 'pr.none.2', 'pr.none.3'].map((key) => say(key, { when: at(seen.reply_by) })),
    closed,
  };
};
