// What the operator's page takes and how soon it answers, in headless Chromium without a graphics card, against merlind
// and the simulator on this machine: ./bench.sh page [--json] [PART...], parts as below.

import { readdirSync, readFileSync } from 'node:fs';
import { Bench, ctl, placeOf, startScan, stateIs, turnTo, waitFor } from '../page/harness.mjs';

const TICKS = 100; // of /proc/PID/stat, a second
const seconds = (since) => (performance.now() - since) / 1000;
const rounded = (v) => Number(v.toFixed(3));
const summary = (list) => ({ median: rounded([...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]), worst: rounded(Math.max(...list)) });
const pause = (s) => new Promise((done) => setTimeout(done, 1000 * s));
const status = (bench) => ctl(bench.daemon, 'status', '--json');

async function withBench(options, work) {
  const bench = await Bench.make(options);
  try {
    return await work(bench, await bench.open());
  } finally {
    await bench.close();
  }
}

async function scanned(page, side) {
  await startScan(page, side, side);
  await stateIs(page, /^complete:/, 300);
}

/** From a click on a map to the pattern of the position on the screen. */
async function click() {
  return withBench({ scan: '128x128', fps: 3000 }, async (bench, page) => {
    await scanned(page, 128);
    await turnTo(page, 0, 'halo');
    const times = [];
    for (let i = 0; i < 12; i++) {
      const at = { y: (37 * i + 5) % 128, x: (53 * i + 11) % 128 };
      const { x, y } = await placeOf(page, '.map-panel', at);
      const began = performance.now();
      await page.mouse.click(x, y);
      await page.waitForFunction(({ y: row, x: column }) => document.querySelector('.note').textContent.startsWith(`y ${row}  x ${column}`), at, { polling: 'raf' });
      times.push(seconds(began));
    }
    return { click_to_pattern_s: { first: rounded(times[0]), ...summary(times) } };
  });
}

/** From an aperture that is moved to its map of 256 x 256 positions, computed again. */
async function aperture() {
  return withBench({ scan: '256x256', fps: 5000, settings: { 'bragg.enabled': false, workers: 2, 'ring.size': '256MiB' } }, async (bench, page) => {
    await scanned(page, 256);
    await page.locator('#tab-apertures').click();
    await page.locator('.aperture-list .row', { hasText: 'halo' }).click();
    const times = [];
    for (const outer of [50, 60, 70]) {
      const began = performance.now();
      await page.locator('#panel-apertures').getByLabel('Outer').fill(String(outer));
      await page.locator('#panel-apertures').getByLabel('Outer').press('Enter');
      await waitFor(() => ctl(bench.daemon, 'detectors', '--json').detectors.find(({ name }) => name === 'halo').outer === outer, 10, 'the aperture');
      await page.getByRole('button', { name: 'Recompute' }).click();
      await page.waitForFunction(() => document.querySelector('#panel-apertures .progress').hidden === false, null, { polling: 'raf', timeout: 5000 }).catch(() => {});
      await page.waitForFunction(() => /Recomputed/.test(document.querySelector('#panel-apertures').textContent), null, { polling: 'raf', timeout: 120000 });
      times.push(seconds(began));
    }
    return { aperture_to_map_256_s: summary(times) };
  });
}

/** From a changed setting of the search to the class map of a finished scan that was searched with it, from its file. */
async function bragg() {
  const out = {};
  for (const side of [64, 128]) {
    out[`setting_to_class_map_${side}_s`] = await withBench({ scan: `${side}x${side}`, fps: 3000, settings: { workers: 2 } }, async (bench, page) => {
      await scanned(page, side);
      await page.locator('#tab-bragg').click();
      const told = () => page.locator('#panel-bragg').textContent();
      const fraction = async () => (await told()).match(/With reflections([\d,]+)/)?.[1];
      await waitFor(async () => /^Final/.test(await told()) && await fraction(), 60, 'the classes');
      const before = await fraction();
      const began = performance.now();
      await page.getByLabel('Ring, outer').fill('33');
      await page.getByRole('button', { name: 'Apply' }).click();
      await waitFor(async () => /^Final/.test(await told()) && await fraction() !== before, 120, 'other classes');
      return rounded(seconds(began));
    });
  }
  return out;
}

/** Messages a second that reach the page, by topic. */
function counted(page) {
  const counts = new Map();
  page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => {
    if (typeof payload === 'string') return;
    const n = payload.readUInt32LE(0);
    const start = Math.ceil((4 + 4 * n) / 8) * 8;
    const topic = payload.toString('latin1', start, start + payload.readUInt32LE(4));
    counts.set(topic, (counts.get(topic) ?? 0) + 1);
  }));
  return counts;
}

/** Updates a second of maps while scanning, and of the newest pattern while aligning, with the rates of a default configuration. */
async function rates() {
  return withBench({ scan: '64x64', fps: 1000, settings: { 'results.pattern_rate': 2 } }, async (bench, page) => {
    const counts = counted(page);
    await page.reload();
    await stateIs(page, /idle/);
    await startScan(page, 256, 256);
    await stateIs(page, /receiving/);
    await pause(2);
    const rate = async (topic) => {
      const [from, began] = [counts.get(topic) ?? 0, performance.now()];
      await pause(5);
      return rounded(((counts.get(topic) ?? 0) - from) / seconds(began));
    };
    const map = await rate('map/halo/');
    ctl(bench.daemon, 'stop');
    await stateIs(page, /stopped/);
    await page.fill('input[name=ny]', '64');
    await page.fill('input[name=nx]', '64');
    await page.getByRole('button', { name: 'Align' }).click();
    await stateIs(page, /aligning/);
    await page.locator('#tab-align').click();
    await pause(2);
    return { map_updates_hz: map, pattern_while_aligning_hz: await rate('pattern/latest/') };
  });
}

/** CPU time of the browser's processes of this kind, s; '': its first one. */
function cpuOf(kind) {
  let ticks = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      if (!/chrom/.test(command) || (command.match(/--type=([a-z-]+)/)?.[1] ?? '') !== kind) continue;
      const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /s, '').split(' ');
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // it has ended meanwhile
    }
  }
  return ticks / TICKS;
}

/** Cores that the browser takes with four maps of 512 x 512 positions while a scan grows: the page's own process, and all of it. */
async function cpu() {
  return withBench({ scan: '64x64', fps: 1500, settings: { 'recording.enabled': false, 'results.pattern_rate': 2 } }, async (bench, page) => {
    await startScan(page, 512, 512);
    await stateIs(page, /receiving/);
    await pause(3);
    const words = { page: 'renderer', graphics: 'gpu-process', network: 'utility', browser: '' };
    const before = Object.fromEntries(Object.entries(words).map(([name, word]) => [name, cpuOf(word)]));
    const began = performance.now();
    await pause(12);
    const span = seconds(began);
    const cores = Object.fromEntries(Object.entries(words).map(([name, word]) => [name, rounded((cpuOf(word) - before[name]) / span)]));
    ctl(bench.daemon, 'stop');
    return { cores_at_512x512: cores };
  });
}

/** Four viewers while a scan is taken at half of what merlind takes on this machine: stalls and missing frames. */
async function viewers() {
  const settings = { workers: 2, 'ring.size': '256MiB', 'recording.enabled': false };
  const fastest = await withBench({ scan: '64x64', fps: 'max', settings }, async (bench, page) => {
    await scanned(page, 200);
    return status(bench).run.frames.received / status(bench).run.elapsed_s;
  });
  return withBench({ scan: '64x64', fps: Math.round(fastest / 2), settings }, async (bench, page) => {
    for (let i = 0; i < 3; i++) await bench.open({ steer: false });
    await scanned(page, 256);
    const { frames, stalls, rate } = status(bench).run;
    return { four_viewers: { fastest: Math.round(fastest), at: Math.round(fastest / 2), rate: Math.round(rate), stalls: stalls.episodes, missing: frames.missing, received: frames.received } };
  });
}

const PARTS = { click, aperture, bragg, rates, cpu, viewers };
const asked = process.argv.slice(2).filter((word) => word !== '--json');
const results = {};
for (const name of asked.length ? asked : Object.keys(PARTS)) {
  const found = await PARTS[name]();
  Object.assign(results, found);
  if (!process.argv.includes('--json')) console.log(JSON.stringify(found));
}
if (process.argv.includes('--json')) console.log(JSON.stringify(results));
