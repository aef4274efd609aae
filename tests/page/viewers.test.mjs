import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { Bench, ctl, lastingPort, limitOf, runOf, shown, startDaemon, startScan, state, stateIs, turnTo, waitFor } from './harness.mjs';

let bench;
let operator;

before(async () => {
  // It is started again at the same port, which the page asks for meanwhile.
  bench = await Bench.make({ scan: '20x20', fps: 400, settings: { 'web.listen': `'127.0.0.1:${await lastingPort()}'` } });
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
  await waitFor(() => guest.getByRole('button', { name: 'Start scan' }).isDisabled(), 10, 'steering to be locked');
  assert.match(await guest.locator('.locked').textContent(), /watching only.*token/);
  await guest.locator('#tab-apertures').click();
  await waitFor(() => guest.getByRole('button', { name: 'Recompute' }).isDisabled(), 10, 'apertures to be locked');
  await guest.context().close();
});

test('one viewer has control: the others see who, may not steer, and may take over by holding', async () => {
  const other = await bench.open();
  await operator.locator('.tools .control').click();
  await operator.getByLabel('Your name').fill('Anna');
  await operator.getByRole('button', { name: 'Take control' }).click();
  await waitFor(async () => /You have control/.test(await operator.locator('.tools').textContent()), 10, 'control to be taken');
  await operator.getByRole('button', { name: 'Close' }).click();
  await waitFor(async () => /Anna has control/.test(await other.locator('.tools').textContent()), 10, 'the other viewer to see it');
  const start = other.getByRole('button', { name: 'Start scan' });
  await waitFor(async () => await start.isDisabled() && await start.getAttribute('title') === 'Anna holds control', 10, 'the other viewer to be locked out');
  await waitFor(() => operator.getByRole('button', { name: 'Start scan' }).isEnabled(), 10, 'Anna to steer');

  await other.locator('.locked').getByRole('button').click();
  await other.getByLabel('Your name').fill('Ben');
  await other.getByRole('button', { name: 'Take over' }).hover();
  await other.mouse.down();
  await waitFor(() => ctl(bench.daemon, 'status', '--json').lease?.name === 'Ben', 10, 'control to be taken over');
  await other.mouse.up();
  await waitFor(async () => /Ben has control/.test(await operator.locator('.tools').textContent()), 10, 'Anna to see it');
  await other.getByRole('button', { name: 'Give it back' }).click();
  await waitFor(() => ctl(bench.daemon, 'status', '--json').lease === null, 10, 'control to be given back');
  await waitFor(async () => operator.getByRole('button', { name: 'Start scan' }).isEnabled(), 10, 'everybody to steer again');
  await other.context().close();
});

test('control is kept through a broken connection', async () => {
  const road = await passage(new URL(bench.daemon.web).port);
  const page = await bench.open({ web: `http://127.0.0.1:${road.port}` });
  await page.keyboard.press('h');
  await page.getByRole('button', { name: 'Take control' }).click();
  await page.getByRole('button', { name: 'Close' }).click();
  road.cut();
  await stateIs(page, /cannot be reached/);
  road.mend();
  await stateIs(page, /complete|idle/);
  await waitFor(async () => /You have control/.test(await page.locator('.tools').textContent()), 10, 'control to be this viewer\'s still');
  await waitFor(() => page.getByRole('button', { name: 'Start scan' }).isEnabled(), 10, 'it to steer');
  await page.locator('#tab-scan').click();
  await page.getByRole('button', { name: '+1', exact: true }).click();
  await waitFor(() => ctl(bench.daemon, 'status', '--json').run.geometry.shift === 1, 10, 'what it asks for to be done');
  await page.getByRole('button', { name: 'Reset', exact: true }).click();
  await waitFor(() => ctl(bench.daemon, 'status', '--json').run.geometry.shift === 0, 10, 'the shift to be taken back');
  await page.keyboard.press('h');
  await page.getByRole('button', { name: 'Give it back' }).click();
  await page.context().close();
  road.close();
});

test('the token is in no address that is left on the screen', async () => {
  assert.doesNotMatch(operator.url(), /token/);
});

test('a viewer that never reads costs the scan and the others nothing', async () => {
  const { hostname, port } = new URL(bench.daemon.web);
  const stuck = await neverReads(hostname, port);
  await startScan(operator, 20, 20);
  await stateIs(operator, /^complete: 400 of 400/);
  assert.equal(ctl(bench.daemon, 'status', '--json').run.stalls.episodes, 0);
  stuck.destroy();
});

test('four viewers cost a scan nothing, and see the same map', async () => {
  const pages = [operator, ...await Promise.all([1, 2, 3].map(() => bench.open({ steer: false })))];
  for (const page of pages) await page.keyboard.press('1');
  await startScan(operator, 20, 20);
  await stateIs(operator, /^complete: 400 of 400/);
  const { id, frames, stalls } = ctl(bench.daemon, 'status', '--json').run;
  await waitFor(async () => (await Promise.all(pages.map(runOf))).every((run) => run === id), 15, 'all four to know the scan');
  await Promise.all(pages.map((page) => stateIs(page, /^complete: 400 of 400/)));
  assert.deepEqual([frames.received, frames.missing, stalls.episodes], [400, 0, 0]);
  for (const page of pages) await turnTo(page, 0, 'halo');
  await waitFor(async () => {
    const all = await Promise.all(pages.map((page) => shown(page, 0, 20, 20).catch(() => null)));
    return all.every((one) => one?.product === 'halo' && String(one.colours) === String(all[0].colours));
  }, 20, 'the same map at all four');
  await Promise.all(pages.slice(1).map((page) => page.context().close()));
});

test('the page finds merlind again after a restart, and says meanwhile that it is gone', async () => {
  await bench.daemon.stop();
  await waitFor(async () => /cannot be reached/.test(await state(operator)), 10, async () => `the loss to be told: ${await state(operator)}`);
  bench.daemon = await startDaemon(bench.simulator, bench.directory, bench.settings);
  await bench.detector();
  await stateIs(operator, /idle/, 30);
  await operator.getByText('Start a scan: its maps grow here.').waitFor();
  const opacity = operator.locator('.map-panel .image-view').first().evaluate((view) => getComputedStyle(view).opacity);
  assert.equal(await opacity, '0', 'the map of the merlind before is no longer shown');
  await operator.getByText('no scan yet').waitFor();
  await startScan(operator, 20, 20);
  await stateIs(operator, /^complete: 400 of 400/);
});

test('a scan that cannot be recorded is told as such, with what is on disk, while it goes on and when it is over', async () => {
  // As a full disk does, and only to this process.
  assert.equal(spawnSync('prlimit', ['--pid', bench.daemon.process.pid, '--fsize=1000000']).status, 0);
  await startScan(operator, 20, 20);
  await operator.locator('.toast[data-tone=bad]', { hasText: 'File too large' }).waitFor();
  await stateIs(operator, /^complete, not recorded: \d+ of 400 patterns are on disk – Cannot .*: File too large/);
  assert.equal(await operator.locator('.state').getAttribute('data-tone'), 'bad');
  const { recorded } = ctl(bench.daemon, 'status', '--json').run.frames;
  assert.ok(recorded < 400 && (await state(operator)).includes(`: ${recorded} of 400`));
});

test('the page made no error', () => assert.deepEqual(bench.errors(), []));

// A way to merlind that can be cut, until it is mended, while both ends stay.
async function passage(port) {
  const { connect, createServer } = await import('node:net');
  const sockets = new Set();
  let open = true;
  const server = createServer((near) => {
    if (!open) return near.destroy();
    const far = connect(Number(port), '127.0.0.1');
    for (const [one, other] of [[near, far], [far, near]]) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const cut = () => {
    open = false;
    sockets.forEach((socket) => socket.destroy());
  };
  return { port: server.address().port, cut, mend: () => { open = true; }, close: () => { cut(); server.close(); } };
}

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
