// What the operator's page takes and how soon it answers, in headless Chromium without a graphics card, against merlind
// and the simulator on this machine: ./bench.sh page [--json] [PART...], parts as below; without one all but `memory`, in
// less than four minutes. A table of what was measured beside what is wanted, or one JSON object.

import { Bench, ctl, drag, placeOf, startScan, stateIs, turnTo, waitFor } from '../page/harness.mjs';
import { browserProcesses } from '../page/memory.mjs';
import { SCANS_OF_8_HOURS, memory } from './page_memory.mjs';

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

/** From a click on a map to the pattern of the position on the screen, and from "Start scan" to the first pattern of that scan. */
async function click() {
  return withBench({ scan: '128x128', fps: 3000, settings: { 'bragg.enabled': false } }, async (bench, page) => {
    await scanned(page, 128);
    await turnTo(page, 0, 'halo');
    const times = [];
    for (let i = 0; i < 12; i++) {
      const at = { y: (37 * i + 5) % 128, x: (53 * i + 11) % 128 };
      const { x, y } = await placeOf(page, '.map-panel', at);
      const began = performance.now();
      await page.mouse.click(x, y);
      await page.waitForFunction(({ y: row, x: column }) => document.querySelector('.note').textContent.startsWith(`y ${row}  x ${column}`), at, { polling: 'raf' })
        .catch(async () => { throw new Error(`no pattern of ${JSON.stringify(at)}, but "${await page.locator('.note').textContent()}"`); });
      times.push(seconds(began));
    }
    await page.locator('.pattern-column header select').selectOption('latest');
    await page.waitForFunction(() => /^pattern/.test(document.querySelector('.note').textContent));
    return { click_to_pattern_s: { first: rounded(times[0]), ...summary(times) }, start_to_pattern_s: rounded(await startToPattern(page)) };
  });
}

/** Until a pattern is shown whose number is below that of the scan before. */
async function startToPattern(page) {
  const number = /^pattern ([\d,]+)/; // the position and its class may follow
  const last = Number((await page.locator('.note').textContent()).match(number)[1].replaceAll(',', ''));
  const began = performance.now();
  await page.getByRole('button', { name: 'Start scan' }).click();
  await page.waitForFunction(([before, pattern]) => {
    const shown = document.querySelector('.note').textContent.match(new RegExp(pattern))?.[1];
    return shown && Number(shown.replaceAll(',', '')) < before && !document.querySelector('.pattern-column.no-data');
  }, [last, number.source], { polling: 'raf' });
  return seconds(began);
}

/** What the canvas of the first map shows, so that two of them can be compared. */
const painted = (page) => page.locator('.map-panel .image-base').first().evaluate((canvas) => canvas.toDataURL());

/** From an aperture that is dragged on the pattern to its map of 256 x 256 positions, computed again and drawn. */
async function aperture() {
  return withBench({ scan: '256x256', fps: 5000, settings: { 'bragg.enabled': false, workers: 2, 'ring.size': '256MiB' } }, async (bench, page) => {
    await scanned(page, 256);
    await turnTo(page, 0, 'halo');
    await page.locator('#tab-apertures').click();
    await page.locator('.aperture-list .row', { hasText: 'halo' }).click();
    const times = [];
    let outer = 46; // as it begins
    for (const wanted of [60, 68, 74]) { // away from the handles of the others, at 50 and 80
      const [from, to] = [outer, wanted].map((radius) => ({ y: 127.5 - radius * Math.SQRT1_2, x: 127.5 + radius * Math.SQRT1_2 }));
      const [ends, before] = [await handles(page, from, to), await painted(page)];
      const began = performance.now();
      await drag(page, ...ends);
      await page.getByRole('button', { name: 'Recompute' }).click();
      await page.waitForFunction(() => /chunk|Recomputed/.test(document.querySelector('#panel-apertures').textContent), null, { polling: 'raf' });
      await page.waitForFunction((old) => /Recomputed/.test(document.querySelector('#panel-apertures').textContent)
        && document.querySelector('.map-panel .image-base').toDataURL() !== old, before, { polling: 100, timeout: 120000 });
      times.push(seconds(began));
      outer = ctl(bench.daemon, 'detectors', '--json').detectors.find(({ name }) => name === 'halo').outer;
      if (Math.abs(outer - wanted) > 1) throw new Error(`the aperture was dragged to ${wanted} pixels, and merlind has ${outer}`);
    }
    return { aperture_to_map_256_s: summary(times) };
  });
}

const handles = async (page, from, to) => [await placeOf(page, '.pattern-column', from), await placeOf(page, '.pattern-column', to)];

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

/** CPU time of the browser's processes by their kind, s. */
function cpuTimes() {
  const times = {};
  for (const { kind, stat } of browserProcesses()) times[kind] = (times[kind] ?? 0) + (Number(stat[11]) + Number(stat[12])) / TICKS;
  return times;
}

/** Cores that the browser takes with four maps of 512 x 512 positions while a scan grows: the page's own process, and all of it. */
async function cpu() {
  return withBench({ scan: '64x64', fps: 1500, settings: { 'recording.enabled': false, 'results.pattern_rate': 2 } }, async (bench, page) => {
    await startScan(page, 512, 512);
    await stateIs(page, /receiving/);
    await pause(3);
    const before = cpuTimes();
    const began = performance.now();
    await pause(12);
    const [after, span] = [cpuTimes(), seconds(began)];
    ctl(bench.daemon, 'stop');
    const cores = (kind) => rounded((after[kind] - before[kind]) / span);
    return { cores_at_512x512: { page: cores('renderer'), graphics: cores('gpu-process'), network: cores('utility'), browser: cores('browser') } };
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

// What is wanted (issue and README), and where it is in the results: [words, path, limit, unit]; a limit below zero is one that
// must be reached.
const TARGETS = [
  ['click on a map to its pattern, worst of 12', 'click_to_pattern_s.worst', 2, 's'],
  ['"Start scan" to the first pattern', 'start_to_pattern_s', 2, 's'],
  ['aperture dragged to its 256 x 256 map, worst of 3', 'aperture_to_map_256_s.worst', 3, 's'],
  ['Bragg setting to the class map, 64 x 64', 'setting_to_class_map_64_s', 5, 's'],
  ['Bragg setting to the class map, 128 x 128', 'setting_to_class_map_128_s', null, 's'],
  ['updates of each map', 'map_updates_hz', -5, '/s'],
  ['patterns while aligning', 'pattern_while_aligning_hz', -10, '/s'],
  ['page at four growing 512 x 512 maps', 'cores_at_512x512.page', 0.5, 'cores'],
  ['its graphics process', 'cores_at_512x512.graphics', null, 'cores'],
  ['four viewers: frames taken', 'four_viewers.rate', null, '/s'],
  ['four viewers: stalls of the detector', 'four_viewers.stalls', 0, ''],
  ['four viewers: frames missing', 'four_viewers.missing', 0, ''],
];

const within = (value, limit) => (limit < 0 ? value >= -limit : value <= limit);

function table(results) {
  console.log(`${'measured'.padStart(62)}  ${'wanted'.padStart(12)}`);
  for (const [words, path, limit, unit] of TARGETS) {
    const value = path.split('.').reduce((object, key) => object?.[key], results);
    if (value === undefined) continue;
    const wanted = limit === null ? '' : `${limit < 0 ? '>=' : '<='} ${Math.abs(limit)} ${unit}`;
    const verdict = limit === null ? '' : within(value, limit) ? 'yes' : 'NO';
    console.log(`${words.padEnd(50)}${`${value} ${unit}`.padStart(12)}  ${wanted.padStart(12)}  ${verdict}`);
  }
}

function memoryTable({ scans, messages, minutes, figures }) {
  console.log(`${scans} scans and ${messages} messages in ${minutes} min; growth over ${SCANS_OF_8_HOURS} scans, with its error (2 sigma)\n`);
  console.log(`${''.padEnd(18)}${['first', 'last', 'growth', '+-', 'bound'].map((word) => word.padStart(14)).join('')}`);
  for (const [name, figure] of Object.entries(figures)) {
    const values = [figure.first, figure.last, figure.in_8_hours, figure.most_in_8_hours - figure.in_8_hours, figure.bound];
    console.log(`${name.padEnd(18)}${values.map((v) => Math.round(v).toLocaleString('en-GB').padStart(14)).join('')}  ${figure.flat === null ? 'too few samples' : figure.flat ? 'flat' : 'GROWS'}`);
  }
}

const words = process.argv.slice(2);
const json = words.includes('--json');
const minutes = Number(words[words.indexOf('--minutes') + 1]) || 40;
const asked = words.filter((word) => word in PARTS);
if (words.includes('memory')) {
  const found = await memory(minutes, (one) => console.error(JSON.stringify(one)));
  if (json) console.log(JSON.stringify(found));
  else memoryTable(found);
} else {
  const results = {};
  for (const name of asked.length ? asked : Object.keys(PARTS)) {
    if (!json) console.error(`${name} ...`);
    Object.assign(results, await PARTS[name]());
  }
  if (json) console.log(JSON.stringify(results));
  else table(results);
}
