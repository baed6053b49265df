/* What a citizen does in a mini program, and what must be seen. `live` runs against a running instance. */
'use strict';

const SESSION_OVER = { status: 401, told: { code: 'session_invalid', status: 401 } };
const SENT = { status: 202, told: { phone: '138****8000', expires_in: 300, resend_after: 60 } };
const ACCEPTED = { status: 202, told: { reference: '482913057716', phone: '138****8000', port_number: '10699000', reply_by: '2026-11-24T06:05:00Z' } };
const KNOWN = { status: 200, told: { phone: '138****8000', ticket: 'ticket:abc' } };
const refusal = (status, code, more) => ({ status, told: { code, status, ...more } });
const sent = (stage, where) => stage.calls.filter((call) => call.path === where).map((call) => JSON.parse(call.body));

async function filled(stage) {
  const page = await stage.load('query', { service: 'internet-accounts' });
  stage.type(page, 'phone', '138 0013 8000');
  stage.type(page, 'id_tail', '12345X');
  stage.type(page, 'code', '482913');
  page.agree();
  page.agreeId();
  return page;
}
async function tried(stage, ...answers) {
  const page = await filled(stage);
  stage.answers = answers;
  await page.submit();
  return page;
}

/* One code a minute for a number: the objection is about another. */
async function objects(stage) {
  const { assert, play } = stage;
  play.phone = play.phone.slice(0, 7) + '77' + play.phone.slice(9);
  const page = await stage.load('objection', {});
  await page.choose({ currentTarget: { dataset: { wish: 'dispute' } } });
  assert.equal(page.data.companies.length, 8);
  assert.ok(page.data.lead.includes('最迟 10 个工作日'), page.data.lead);
  page.tick({ currentTarget: { dataset: { code: 'weixin' } } });
  stage.type(page, 'phone', play.phone);
  await page.askCode();
  await stage.until(async () => (await stage.messages()).length === 1, 'no code came for the objection');
  stage.type(page, 'code', /验证码(\d{6})/.exec((await stage.messages())[0].text)[1]);
  stage.type(page, 'id_tail', '12345X');
  page.agree();
  page.agreeId();
  await page.submit();
  const where = stage.visited.pop();
  assert.match(where || JSON.stringify(page.data), /^\/pages\/progress\/progress\?objection=\d{12}$/);
  const progress = await stage.load('progress', { objection: where.split('=')[1] });
  assert.equal(progress.data.seen.steps.length, 4);
  assert.deepEqual(progress.data.seen.facts.map((fact) => fact.text), ['不是我注册的', '微信']);
  await stage.until(async () => (await stage.messages()).some((sms) => sms.text.includes('受理编号')), 'it was not confirmed');
  progress.onUnload();
}

exports.live = async (stage) => {
  const { assert, play } = stage;
  const home = await stage.load('home');
  assert.deepEqual(home.data.closed, { ia: false, pc: false });
  home.choose({ currentTarget: { dataset: { service: 'internet-accounts' } } });
  assert.equal(stage.visited.pop(), '/pages/query/query?service=internet-accounts');

  const query = await stage.load('query', { service: 'internet-accounts' });
  await query.usePhone(await stage.press());
  const masked = play.phone.slice(0, 3) + '****' + play.phone.slice(7);
  assert.equal(query.data.values.phone, masked);
  await query.askCode();
  assert.ok(query.data.remark.includes(masked), query.data.remark);
  await stage.until(async () => (await stage.messages()).length === 1, 'no code came');
  stage.type(query, 'code', /验证码(\d{6})/.exec((await stage.messages())[0].text)[1]);
  stage.type(query, 'id_tail', '12345X');
  query.agree();
  query.agreeId();
  await query.submit();
  const where = stage.visited.pop();
  assert.match(where || JSON.stringify(query.data), /^\/pages\/progress\/progress\?reference=\d{12}$/);

  const progress = await stage.load('progress', { reference: where.split('=')[1] });
  await stage.until(() => progress.data.seen && progress.data.seen.closed, 'it was never closed');
  assert.deepEqual(progress.data.seen.steps.map((step) => step.state), ['done', 'done', 'done']);
  assert.equal((await stage.messages()).length, 2);
  progress.copy();
  assert.equal(stage.copied, progress.reference);

  await progress.watch();
  assert.equal(progress.data.watched, '已提交，是否开启以短信为准');
  await progress.unwatch();
  assert.equal(progress.data.watched, '已提交，不再提醒');
  await objects(stage);

  assert.match(home.data.words.foot_guides_d, /^8 家企业/);
  const guides = await stage.load('guides');
  assert.equal(guides.data.companies.length, 8);
  await stage.load('privacy');
  await stage.load('help');
  await home.logout();
  assert.equal(home.data.said, '已退出');
  await progress.look();
  assert.ok(progress.data.missing);
};

exports.an_empty_form_asks_nobody = async (stage) => {
  const { assert } = stage;
  const page = await stage.load('query', { service: 'internet-accounts' });
  await page.submit();
  assert.deepEqual(Object.keys(page.data.faults), ['phone', 'id_tail', 'code', 'consent', 'consentId']);
  assert.equal(page.data.box.heading, '有 5 处需要修改');
  stage.type(page, 'phone', '１３８ ００１３ ８００');
  stage.type(page, 'id_tail', '12345');
  await page.submit();
  assert.equal(page.data.faults.phone, '手机号码应是 11 位，现在 10 位');
  assert.equal(page.data.faults.id_tail, '还差 1 位，请填写最后六位');
  await page.askCode();
  assert.equal(stage.calls.length, 0);
  const cards = await stage.load('query', { service: 'phone-cards' });
  await cards.submit();
  assert.deepEqual(Object.keys(cards.data.faults), ['name', 'id_number', 'phone', 'code', 'consent', 'consentId']);
};

exports.each_refusal_says_what_to_do = async (stage) => {
  const { assert } = stage;
  let page = await tried(stage, refusal(422, 'code_wrong', { tries_left: 2 }));
  assert.equal(page.data.faults.code, '验证码不正确，请以最新一条短信为准，还可输入 2 次');
  assert.equal(page.data.values.code, '');
  assert.equal(page.data.values.id_tail, '12345X');
  page = await tried(stage, refusal(422, 'code_wrong', { tries_left: 0 }));
  assert.match(page.data.faults.code, /已过期/);
  page = await tried(stage, refusal(422, 'phone_invalid'));
  assert.match(page.data.faults.phone, /手机号码格式不对/);
  page = await tried(stage, refusal(422, 'phone_ticket_invalid'));
  assert.equal(page.data.faults.phone, '请填写手机号码');
  page = await tried(stage, refusal(429, 'too_soon', { retry_after: 3600 }));
  assert.match(page.data.standIn.heading, /24 小时内已经查过/);
  assert.match(page.data.standIn.lead, /还需等 1 小时/);
  page = await tried(stage, refusal(429, 'limit_reached', { retry_after: 60, limit: 'submissions_per_session_hour' }));
  assert.equal(page.data.box.heading, '服务暂时无法使用');
  page = await tried(stage, refusal(409, 'idempotency_conflict'));
  assert.equal(page.data.box.heading, '您刚才已提交过，请查看进度');
  page = await tried(stage, refusal(503, 'unavailable', { retry_after: 5 }));
  assert.equal(page.data.box.heading, '服务暂时无法使用');
  assert.equal(page.data.values.id_tail, '12345X');
  stage.answers = [refusal(429, 'limit_reached', { retry_after: 30, limit: 'code_per_phone_gap' })];
  await page.askCode();
  assert.match(page.data.codeButton, /30 秒后可重新获取/);
  page.onUnload();
  page = await filled(stage);
  stage.answers = [refusal(429, 'limit_reached', { retry_after: 7200, limit: 'codes_per_phone_day' })];
  await page.askCode();
  assert.match(page.data.standIn.heading, /次数已用完/);
};

exports.what_the_net_swallowed_is_sent_again_with_the_same_key = async (stage) => {
  const { assert } = stage;
  const page = await tried(stage, 'offline');
  assert.equal(page.data.box.heading, '网络断开了，没有提交');
  stage.answers = [ACCEPTED];
  await page.submit();
  const keys = stage.calls.filter((call) => call.path === '/inquiries').map((call) => call.headers['Idempotency-Key']);
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
  assert.match(keys[0], /^[0-9a-f]{32}$/);
  const another = await tried(stage, ACCEPTED);
  assert.notEqual(stage.calls.at(-1).headers['Idempotency-Key'], keys[0]);
  assert.deepEqual(another.data.values, {});
  assert.equal(stage.kept.inquiry.reference, '482913057716');
};

exports.a_double_tap_submits_once = async (stage) => {
  const page = await filled(stage);
  stage.answers = [ACCEPTED];
  await Promise.all([page.submit(), page.submit(), page.submit()]);
  stage.assert.equal(sent(stage, '/inquiries').length, 1);
};

exports.a_session_that_is_over_is_opened_anew_once = async (stage) => {
  const { assert } = stage;
  const page = await filled(stage);
  stage.answers = [SESSION_OVER, SENT];
  await page.askCode();
  assert.match(page.data.remark, /138\*\*\*\*8000/);
  assert.equal(stage.logins, 2);
  page.onUnload();
  const other = await filled(stage);
  stage.answers = [SESSION_OVER, SESSION_OVER];
  await other.askCode();
  assert.equal(stage.logins, 3);
  assert.match(other.data.box.heading, /登录没有成功/);
};

exports.a_login_that_is_refused_is_not_tried_for_ever = async (stage) => {
  const page = await filled(stage);
  stage.logsIn = false;
  stage.answers = [refusal(422, 'login_code_used')];
  await page.askCode();
  stage.assert.equal(stage.calls.length, 1);
  stage.assert.match(page.data.box.heading, /登录没有成功/);
};

exports.two_calls_at_once_share_one_login_and_take_the_fresh_token = async (stage) => {
  const { assert, play } = stage;
  const api = require(play.client + '/lib/api.js');
  stage.answers = [{ ...SENT, headers: { 'Session-Token': 'fresh' } }, SENT, SENT];
  await Promise.all([api.askCode('internet-accounts', '13800138000'), api.askCode('phone-cards', '13800138000')]);
  assert.equal(stage.logins, 1);
  await api.askCode('internet-accounts', '13800138000');
  assert.equal(stage.calls.at(-1).headers.Authorization, 'Bearer fresh');
};

exports.the_platforms_number_pre_fills_and_typing_goes_before_it = async (stage) => {
  const { assert } = stage;
  const page = await filled(stage);
  stage.answers = [KNOWN, SENT];
  await page.usePhone(await stage.press());
  assert.equal(page.data.values.phone, '138****8000');
  await page.askCode();
  assert.equal(sent(stage, '/verification-codes')[0].phone, 'ticket:abc');
  page.onUnload();
  stage.type(page, 'phone', '13900139000');
  page.setData({ wait: 0 });
  stage.answers = [SENT];
  await page.askCode();
  assert.equal(sent(stage, '/verification-codes')[1].phone, '13900139000');
  page.onUnload();
};

exports.without_the_platforms_number_the_citizen_types = async (stage) => {
  const { assert } = stage;
  const page = await filled(stage);
  stage.phoneTold = false;
  await page.usePhone(await stage.press());
  assert.equal(stage.calls.length, 0);
  stage.phoneTold = true;
  for (const answer of [refusal(422, 'phone_number_unavailable'), refusal(503, 'unavailable', { retry_after: 5 }), 'offline']) {
    stage.answers = [answer];
    await page.usePhone(await stage.press());
    assert.match(page.data.faults.phone, /请直接填写/);
    assert.equal(page.data.sending, false);
  }
  assert.equal(page.data.values.phone, '138 0013 8000');
  const before = stage.logins;
  stage.answers = [refusal(422, 'login_too_old'), KNOWN];
  await page.usePhone(await stage.press());
  assert.equal(stage.logins, before + 1);
  assert.equal(page.data.values.phone, '138****8000');
};

const SEEN = { reference: '482913057716', service: 'internet-accounts', phone: '138****8000', accepted_at: '2026-11-22T06:05:00Z', reply_by: '2026-11-24T06:05:00Z' };
const seen = (status, more) => ({ status: 200, told: { ...SEEN, status, ...more } });

exports.progress_tells_how_far_it_is_and_rests_when_it_is_over = async (stage) => {
  const { assert } = stage;
  stage.kept.inquiry = { reference: SEEN.reference, token: 'kept' };
  stage.answers = [seen('asking')];
  const page = await stage.load('progress', { reference: SEEN.reference });
  assert.equal(stage.calls[0].headers.Authorization, 'Bearer kept');
  assert.equal(page.data.seen.reference, '4829 1305 7716');
  assert.equal(page.data.seen.steps[0].detail, '11 月 22 日 14:05');
  stage.answers = [seen('asking', { asked: 8, answered: 6 })];
  await page.look();
  assert.equal(page.data.seen.steps[1].detail, '8 家企业中，6 家已反馈');
  assert.equal(page.data.seen.steps[1].segments.filter((one) => one.filled).length, 6);
  stage.answers = ['offline'];
  await page.look();
  assert.equal(page.data.lost, '进度暂时无法显示，短信仍会照常发送');
  stage.answers = [seen('asking', { asked: 8, answered: 8 })];
  await page.look();
  assert.equal(page.data.lost, '');
  page.onHide();
  stage.answers = [seen('closed', { closed_at: '2026-11-22T06:06:00Z' })];
  await page.onShow();
  assert.match(page.data.seen.heading, /短信已发出/);
  assert.equal(page.data.seen.steps[2].detail, '发到 138****8000，14:06');
  await new Promise((resolve) => setTimeout(resolve, 2200));
  assert.equal(stage.calls.length, 5);
};

exports.anothers_inquiry_is_not_shown = async (stage) => {
  stage.answers = [refusal(401, 'session_invalid')];
  const page = await stage.load('progress', { reference: '111111111111' });
  stage.assert.equal(page.data.missing.heading, '没有找到这个页面');
};

exports.an_unverified_hotline_is_on_no_page = async (stage) => {
  const { assert } = stage;
  const partner = { code: 'tencent', kind: 'enterprise', name: { zh: '腾讯', en: 'Tencent' }, applications: [{ code: 'qq', name: { zh: 'QQ', en: 'QQ' }, assumption: false }] };
  const told = { ...partner, code: 'jd', hotline: { number: '950618', verified_on: '2026-11-20' } };
  stage.answers = ['offline'];
  const page = await stage.load('guides');
  assert.equal(page.data.box.heading, '服务暂时无法使用');
  stage.answers = [{ status: 200, told: { partners: [partner, told, { ...partner, kind: 'carrier' }] } }];
  await page.look();
  assert.deepEqual(page.data.companies.map((company) => company.hotline), ['', '950618']);
  page.dial({ currentTarget: { dataset: { number: '950618' } } });
  assert.equal(stage.dialled, '950618');
};

exports.large_letters_are_remembered = async (stage) => {
  stage.answers = ['offline', 'offline'];
  const home = await stage.load('home');
  home.enlarge();
  const page = await stage.load('query', { service: 'nonsense' });
  stage.assert.equal(page.data.elder, true);
  stage.assert.equal(page.service, 'internet-accounts');
};

exports.large_letters_of_the_phone_count_until_somebody_chooses = async (stage) => {
  const { assert } = stage;
  stage.letters = 22;
  const page = await filled(stage);
  assert.equal(page.data.elder, true);
  page.enlarge();
  assert.equal(page.data.elder, false);
  assert.equal((await stage.load('help')).data.elder, false);
};

exports.large_letters_or_another_language_in_the_middle_of_a_form_keep_what_was_typed = async (stage) => {
  const { assert } = stage;
  const page = await filled(stage);
  page.enlarge();
  page.translate();
  assert.deepEqual(page.data.values, { phone: '138 0013 8000', id_tail: '12345X', code: '482913' });
  assert.equal(page.data.consent, true);
  assert.equal(page.data.consentId, true);
  assert.equal(page.data.heading, 'Check internet accounts');
  assert.equal(page.data.top.language, '中文');
  stage.answers = [ACCEPTED];
  await page.submit();
  assert.equal(stage.visited.pop(), '/pages/progress/progress?reference=482913057716');
};

exports.every_page_speaks_english_when_the_platform_does = async (stage) => {
  const { assert, play } = stage;
  stage.spoken = 'en';
  stage.answers = ['offline', 'offline'];
  const texts = require(play.client + '/lib/texts.js');
  const shown = [await stage.load('home'), await stage.load('query', { service: 'phone-cards' }), await stage.load('help')];
  stage.answers = ['offline'];
  shown.push(await stage.load('guides'), await stage.load('privacy'));
  const words = (node) => (typeof node === 'string' ? [node] : Object.values(node || {}).flatMap(words));
  const english = Object.values(texts.en);
  const chinese = Object.values(texts['zh-CN']).flatMap((text) => text.replace(/\|/g, '').split('\n')).filter((line) => !english.includes(line));
  shown.forEach((page) => {
    const { top, ...others } = page.data;
    assert.equal(top.language, '中文');
    assert.deepEqual(words(others).filter((word) => chinese.includes(word)), []);
  });
  shown[0].translate();
  assert.ok(chinese.includes(shown[0].data.words.home_ia));
};

exports.help_and_the_privacy_notice_have_all_their_parts = async (stage) => {
  const { assert, play } = stage;
  const texts = require(play.client + '/lib/texts.js')['zh-CN'];
  for (const [name, ending] of [['help', '.q'], ['privacy', '.h']]) {
    const page = await stage.load(name);
    const heads = Object.keys(texts).filter((key) => key.startsWith(name + '.') && key.endsWith(ending));
    assert.deepEqual(page.data.parts.map((part) => part.heading), heads.map((key) => texts[key]));
    page.data.parts.forEach((part) => assert.ok(part.lines.length, part.heading));
  }
};

exports.what_the_catalogue_counts_is_said_and_nothing_is_made_up = async (stage) => {
  const { assert } = stage;
  stage.answers = ['offline', 'offline'];
  const before = await stage.load('home');
  assert.equal(before.data.words.home_ia_d, '');
  const one = { code: 'jd', kind: 'enterprise', name: { zh: '京东', en: 'JD' }, applications: [{}, {}] };
  stage.answers = ['offline', { status: 200, told: { partners: [one, { ...one, kind: 'carrier' }] } }];
  const home = await stage.load('home');
  assert.match(home.data.words.home_ia_d, / 2 个应用/);
  assert.match(home.data.words.foot_guides_d, /^1 家企业/);
  stage.answers = ['offline', 'offline'];
  assert.match((await stage.load('home')).data.words.home_ia_d, / 2 个应用/);
};

exports.a_code_that_is_typed_before_the_answer_stays = async (stage) => {
  const { assert } = stage;
  const page = await filled(stage);
  stage.type(page, 'code', '');
  stage.answers = [SENT];
  const asked = page.askCode();
  stage.type(page, 'code', '482 913');
  await asked;
  assert.equal(page.data.values.code, '482 913');
  page.setData({ wait: 0 });
  stage.answers = [SENT];
  await page.askCode();
  assert.equal(page.data.values.code, '', 'an earlier code is good no more');
  page.onUnload();
};

exports.a_press_while_the_code_is_being_sent_counts = async (stage) => {
  const { assert } = stage;
  const page = await filled(stage);
  stage.answers = [SENT, ACCEPTED];
  const asked = page.askCode();
  stage.type(page, 'code', '482913');
  stage.type(page, 'code', '482914');
  const submitted = page.submit();
  assert.equal(page.data.busy, true, 'the button says that it was pressed');
  await Promise.all([asked, submitted, page.submit()]);
  assert.equal(sent(stage, '/inquiries').length, 1);
  assert.equal(sent(stage, '/inquiries')[0].code, '482914');
};

exports.a_clipboard_that_is_locked_is_told = async (stage) => {
  const { assert } = stage;
  stage.locked = true;
  stage.kept.inquiry = { reference: SEEN.reference, token: 'kept' };
  stage.answers = [seen('closed', { closed_at: '2026-11-22T06:06:00Z' })];
  const page = await stage.load('progress', { reference: SEEN.reference });
  page.copy();
  assert.match(page.data.lost, /没有复制成功/);
  page.onUnload();
};

exports.what_was_typed_does_not_stay_on_a_page_that_is_left = async (stage) => {
  const page = await filled(stage);
  page.onUnload();
  stage.assert.deepEqual(page.data.values, {});
};
