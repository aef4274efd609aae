// Hours of a session in the time of a coffee: short scans one after the other, with the messages of long ones, and what the page,
// its browser and merlind hold meanwhile: ./bench.sh page memory [--minutes N] [--json].

import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Bench, ctl, placeOf, turnTo } from '../page/harness.mjs';
import { browserProcesses, bytesOf, pageHolds, slopeOf } from '../page/memory.mjs';

const SIDE = 48;
const SEARCHED_SIDE = 12;
const BETWEEN = 20; // scans from one sample to the next
const ENOUGH = 10; // settled samples for a line to be judged by
const SETTLED = 0.25; // the part of the samples in which caches fill; the line is laid through the rest
const RATE_HZ = 100; // of each topic, five times what a page asks for: messages in compressed time
const MIB = 1 << 20;

/** Scans of a session of 8 hours: one every 14 s, of a second or two; and the growth over all of them that is called flat. */
export const SCANS_OF_8_HOURS = 2000;
const BOUNDS = {
  page_bytes: 4 * MIB, page_nodes: 100, page_listeners: 100, renderer_bytes: 32 * MIB, browser_bytes: 48 * MIB, merlind_bytes: 16 * MIB,
};

/** What an operator does now and then: everything that opens, draws or asks. */
async function touch(page, turn) {
  const { x, y } = await placeOf(page, '.map-panel', { y: turn % SIDE, x: (7 * turn) % SIDE });
  await page.mouse.click(x, y);
  await turnTo(page, 0, ['halo', 'dark_field', 'com_x', 'com_y'][turn % 4]);
  await page.locator('#tab-apertures').click();
  const outer = page.locator('#panel-apertures').getByLabel('Outer');
  if (!await outer.isVisible()) await page.locator('.aperture-list .row', { hasText: 'halo' }).click(); // a second click would let go of it
  await outer.fill(String(40 + (turn % 20)));
  await outer.press('Enter');
  await page.getByRole('button', { name: 'Recordings' }).click();
  await page.locator('.runs-dialog .run-card').first().waitFor();
  await page.keyboard.press('Escape');
  for (const tab of ['#tab-bragg', '#tab-scan']) await page.locator(tab).click();
}

async function scan(bench, side) {
  ctl(bench.daemon, 'start', '--scan', `${side}x${side}`, '--wait');
  await pause(); // what merlind and the browser have said meanwhile is read
}

/** One whose reflections are looked for. The search takes much longer than the scan: not every one. */
async function searched(bench) {
  const turn = (enabled) => ctl(bench.daemon, 'request', 'bragg_settings', JSON.stringify({ enabled }));
  turn(true);
  await scan(bench, SEARCHED_SIDE);
  turn(false);
}

/** The recordings but for the newest few, which is what a night would leave on the disk. */
function tidy(directory) {
  const files = readdirSync(directory).filter((name) => name.endsWith('.h5')).sort();
  for (const name of files.slice(0, -BETWEEN)) rmSync(join(directory, name));
}

const pause = () => new Promise((done) => { setTimeout(done, 10); });

async function sample(bench, page, cdp) {
  const held = await pageHolds(cdp);
  const processes = browserProcesses().map(({ pid, kind }) => ({ kind, bytes: bytesOf(pid, 'smaps_rollup', 'Pss_Anon') }));
  const sum = (list) => list.reduce((total, { bytes }) => total + bytes, 0);
  return {
    page_bytes: held.bytes, page_nodes: held.nodes, page_listeners: held.listeners, renderer_bytes: sum(processes.filter(({ kind }) => kind === 'renderer')),
    browser_bytes: sum(processes), merlind_bytes: bytesOf(bench.daemon.process.pid, 'status', 'RssAnon'),
  };
}

/** Asks for `RATE_HZ` where the page asks for its own rate. */
const hasten = (context) => context.addInitScript((rate) => {
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function hastened(text) {
    return send.call(this, typeof text === 'string' ? text.replace(/"rate_hz":\d+/, `"rate_hz":${rate}`) : text);
  };
}, RATE_HZ);

async function run(bench, page, minutes, tell) {
  const cdp = await page.context().newCDPSession(page);
  const samples = [];
  let messages = 0;
  page.on('websocket', (socket) => socket.on('framereceived', () => { messages++; }));
  await hasten(page.context());
  await page.reload();
  const began = performance.now();
  for (let scans = BETWEEN; performance.now() - began < 60_000 * minutes; scans += BETWEEN) {
    await searched(bench);
    for (let i = 1; i < BETWEEN; i++) await scan(bench, SIDE);
    await page.waitForFunction((n) => document.querySelector('.state').textContent.startsWith(`complete: ${n} of ${n}`), (SIDE * SIDE).toLocaleString('en-GB'));
    await touch(page, samples.length);
    tidy(bench.directory);
    samples.push({ scans, messages, seconds: Math.round((performance.now() - began) / 1000), ...await sample(bench, page, cdp) });
    tell(samples.at(-1));
  }
  return samples;
}

/** Of one figure: where it stood, how it grows, and whether that is flat (null: of too few samples to say). */
function judge(name, samples) {
  const settled = samples.slice(Math.floor(SETTLED * samples.length));
  const { slope, error } = slopeOf(settled.map(({ scans }) => scans), settled.map((one) => one[name]));
  const grown = SCANS_OF_8_HOURS * slope;
  return {
    first: settled[0][name], last: settled.at(-1)[name], per_scan: Number(slope.toPrecision(3)), error: Number(error.toPrecision(2)),
    in_8_hours: Math.round(grown), most_in_8_hours: Math.round(grown + 2 * SCANS_OF_8_HOURS * error), bound: BOUNDS[name],
    flat: settled.length < ENOUGH ? null : grown + 2 * SCANS_OF_8_HOURS * error <= BOUNDS[name],
  };
}

/** {scans, messages, minutes, figures: {name: {first, last, per_scan, error, in_8_hours, bound, flat}}}; `tell` gets each sample. */
export async function memory(minutes, tell) {
  const bench = await Bench.make({ scan: `${SIDE}x${SIDE}`, fps: 5000, settings: { 'results.map_rate': RATE_HZ, 'results.pattern_rate': RATE_HZ } });
  try {
    const page = await bench.open();
    const samples = await run(bench, page, minutes, tell);
    const { scans, messages } = samples.at(-1);
    const figures = Object.fromEntries(Object.keys(BOUNDS).map((name) => [name, judge(name, samples)]));
    return { scans, messages, minutes, errors: bench.errors().length, figures };
  } finally {
    await bench.close();
  }
}
