import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench, ctl, limitOf, shown, startDaemon, startScan, state, stateIs, turnTo, waitFor } from './harness.mjs';

let bench;
let operator;

before(async () => {
  bench = await Bench.make({ scan: '20x20', fps: 400 });
  operator = await bench.open();
});
after(async () => {
  await bench?.close();
});

test('two viewers have each their own contrast', async () => {
  const guest = await bench.open({ steer: false });
  for (const page of [operator, guest]) await page.keyboard.press('1');
  await startScan(operator, 20, 20);
  await stateIs(operator, /^complete:/);
  for (const page of [operator, guest]) await turnTo(page, 0, 'dark_field');
  // The canvas shows the map before until the new one has come.
  const settled = async () => {
    const [mine, theirs] = await Promise.all([operator, guest].map((page) => shown(page, 0, 20, 20).catch(() => ({}))));
    return [mine, theirs].every((map) => map.product === 'dark_field' && map.limits) && mine.limits[1] === theirs.limits[1];
  };
  await waitFor(settled, 10, 'the map at both');
  const { limits } = await shown(guest, 0, 20, 20);
  await limitOf(operator, 'high').fill('5000');
  await limitOf(operator, 'high').press('Enter');
  await waitFor(async () => (await shown(operator, 0, 20, 20)).limits[1] === 5000, 5, 'the operator\'s limit');
  assert.deepEqual((await shown(guest, 0, 20, 20)).limits, limits);
  await guest.context().close();
});

test('without the token one may look and not touch', async () => {
  const guest = await bench.open({ steer: false });
  assert.equal(await guest.getByRole('button', { name: 'Start scan' }).isDisabled(), true);
  assert.match(await guest.locator('.numbers').textContent(), /watching only/);
  await guest.locator('#tab-apertures').click();
  assert.equal(await guest.getByRole('button', { name: 'Recompute' }).isDisabled(), true);
  await guest.context().close();
});

test('the token is in no address that is left on the screen', async () => {
  assert.doesNotMatch(operator.url(), /token/);
});

test('a viewer that never reads costs the scan and the others nothing', async () => {
  const { hostname, port } = new URL(bench.daemon.web);
  const stuck = await neverReads(hostname, port);
  await startScan(operator, 20, 20);
  await stateIs(operator, /receiving|finishing|complete:/);
  await stateIs(operator, /^complete: 400 of 400/);
  assert.equal(ctl(bench.daemon, 'status', '--json').run.stalls.episodes, 0);
  stuck.destroy();
});

test('the page finds merlind again after a restart, and says meanwhile that it is gone', async () => {
  const { port } = new URL(bench.daemon.web);
  await bench.daemon.stop();
  await waitFor(async () => /cannot be reached/.test(await state(operator)), 10, async () => `the loss to be told: ${await state(operator)}`);
  bench.daemon = await startDaemon(bench.simulator, bench.directory, { ...bench.settings, 'web.listen': `'127.0.0.1:${port}'` });
  await bench.detector();
  await stateIs(operator, /idle/, 30);
  await startScan(operator, 20, 20);
  await stateIs(operator, /^complete: 400 of 400/);
});

test('the page made no error', () => assert.deepEqual(bench.errors(), []));

// A WebSocket that asks for everything and reads nothing.
async function neverReads(hostname, port) {
  const { connect } = await import('node:net');
  const socket = connect({ host: hostname, port: Number(port) });
  await new Promise((done) => socket.once('connect', done));
  socket.write(`GET /ws HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: merlind.v1\r\n\r\n`);
  socket.write(frame(JSON.stringify({ hello: { name: 'stuck' } })));
  socket.write(frame(JSON.stringify({ watch: { topics: ['map/', 'pattern/', 'profile/', 'bragg/'], rate_hz: 50 } })));
  socket.pause();
  return socket;
}

function frame(text) {
  const payload = Buffer.from(text);
  const head = payload.length < 126 ? [0x81, 0x80 | payload.length] : [0x81, 0x80 | 126, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]); // a mask of zeros changes nothing
}
