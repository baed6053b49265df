// An SMPP gateway on loopback: tells what it hears on standard output, does what standard input says. A JSON a line.
'use strict';
const readline = require('node:readline');
const smpp = require('smpp');

const sessions = new Set();
let mode = {};
let count = 0;

const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

function answerBind(session, pdu) {
  const welcome = pdu.password === 'sesame';
  tell({ event: 'bind', system_id: pdu.system_id, version: pdu.interface_version, welcome });
  session.send(pdu.response({ command_status: welcome ? 0 : smpp.ESME_RBINDFAIL }));
}

function answerSubmit(session, pdu) {
  const { message, udh } = pdu.short_message;
  const header = Buffer.concat(udh || []).toString('hex');
  const { source_addr, destination_addr, dest_addr_ton, data_coding, registered_delivery, esm_class } = pdu;
  const heard = { source_addr, destination_addr, dest_addr_ton, data_coding, registered_delivery, esm_class };
  tell({ event: 'submit', text: message, header, ...heard });
  if (mode.silent) return;
  if (mode.nack) {
    session.send(new smpp.PDU('generic_nack', { command_status: 3, sequence_number: pdu.sequence_number }));
    return;
  }
  if (mode.status && (mode.times === undefined || mode.times-- > 0)) {
    session.send(pdu.response({ command_status: mode.status }));
    return;
  }
  count += 1;
  const name = mode.name === undefined ? `m${count}` : mode.name;
  if (mode.early) report(session, pdu, name);
  session.send(pdu.response({ message_id: name }));
  if (!mode.early && mode.stat !== null) setTimeout(() => report(session, pdu, name), 20);
}

function report(session, pdu, name) {
  const stat = mode.stat || 'DELIVRD';
  const words = `id:${name} sub:001 dlvrd:001 submit date:2611221405 done date:2611221405 stat:${stat} err:000 text:`;
  const parameters = mode.tlv ? { receipted_message_id: name, message_state: mode.tlv } : {};
  deliver(session, {
    source_addr: pdu.destination_addr,
    destination_addr: pdu.source_addr,
    esm_class: 4,
    short_message: mode.tlv ? 'unreadable' : words,
    ...parameters,
  });
}

function deliver(session, fields) {
  session.deliver_sm(fields, (answer) => tell({ event: 'delivered', status: answer.command_status }));
}

const server = smpp.createServer((session) => {
  sessions.add(session);
  session.on('close', () => {
    sessions.delete(session);
    tell({ event: 'gone' });
  });
  session.on('error', (error) => tell({ event: 'error', code: error.code || error.message }));
  session.on('bind_transceiver', (pdu) => answerBind(session, pdu));
  session.on('submit_sm', (pdu) => answerSubmit(session, pdu));
  session.on('enquire_link', (pdu) => {
    tell({ event: 'enquire_link' });
    session.send(pdu.response());
  });
  session.on('unbind', (pdu) => {
    tell({ event: 'unbind' });
    session.send(pdu.response());
    session.close();
  });
});

const orders = {
  mode: (wish) => { mode = wish; },
  deliver: (fields) => sessions.forEach((session) => deliver(session, fields)),
  unbind: () => sessions.forEach((session) => session.unbind(() => { tell({ event: 'unbound' }); session.close(); })),
  enquire: (times) => sessions.forEach((session) => {
    for (let turn = 0; turn < times; turn += 1) session.enquire_link(() => tell({ event: 'alive' }));
  }),
  drop: () => sessions.forEach((session) => session.destroy()),
  raw: (hex) => sessions.forEach((session) => session.socket.write(Buffer.from(hex, 'hex'))),
};

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  for (const [order, wish] of Object.entries(JSON.parse(line))) orders[order](wish);
  tell({ event: 'ordered' });
}).on('close', () => process.exit(0));

server.listen(0, '127.0.0.1', () => tell({ event: 'listening', port: server.address().port }));
