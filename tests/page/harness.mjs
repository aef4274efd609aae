// What the page's tests share: the real merlin-sim and merlind, merlinctl, and a browser. $MERLIND_BUILD: the build
// directory; $MERLIND_PAGE_MODULES: where the test packages of clients/page are; $MERLIND_TEST_SCALE as elsewhere.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const TOP = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const BUILD = resolve(process.env.MERLIND_BUILD ?? join(TOP, 'build'));
const MODULES = resolve(process.env.MERLIND_PAGE_MODULES ?? join(TOP, 'clients/page'));
const SCALE = Number(process.env.MERLIND_TEST_SCALE ?? 1);
export const TOKEN = 'a-token-for-the-tests';

const require = createRequire(join(MODULES, 'package.json'));
const { chromium } = require('playwright-core');
export const AXE = require.resolve('axe-core/axe.min.js');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

export const patience = (seconds) => seconds * 1000 * SCALE;

/** Polls condition() until it is true and returns its value. */
export async function waitFor(condition, seconds, what) {
  const end = Date.now() + patience(seconds);
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain for ${typeof what === 'function' ? await what() : what}`);
    await new Promise((done) => setTimeout(done, 40));
  }
}

class Program {
  constructor(name, path, args) {
    this.name = name;
    this.text = '';
    this.process = spawn(path, args.map(String), { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (data) => { this.text += data; });
    this.ended = new Promise((done) => this.process.on('exit', done));
  }

  ready(pattern) {
    return waitFor(() => this.text.match(pattern), 30, () => `${this.name} to say ${pattern}:\n${this.text}`);
  }

  async stop(signal = 'SIGTERM') {
    this.process.kill(signal);
    await this.ended;
  }
}

/** A free port which nobody is given by the kernel while its owner is away: of those below the ones for connections. */
export async function lastingPort() {
  const lowest = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/)[0]);
  for (;;) {
    const port = Math.floor(lowest / 2 + Math.random() * (lowest / 2));
    const server = createServer();
    const free = await new Promise((done) => {
      server.once('error', () => done(false));
      server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
    });
    if (free) return port;
  }
}

/** merlin-sim with synthetic patterns of a glass. */
export async function startSimulator(scan, fps, ...more) {
  const simulator = new Program('merlin-sim', join(BUILD, 'detector/sim/merlin-sim'), [
    '--synthetic', 'glass', '--scan', scan, '--fps', fps, '--counts', 1, '--br-fraction', 0.35, '--command-port', 0, '--data-port', 0, ...more]);
  const [, command, data] = await simulator.ready(/^ready command=(\d+) data=(\d+)$/m);
  return Object.assign(simulator, { command, data });
}

const APERTURES = [
  { name: 'bright_field', shape: 'disk', radius: 24 }, { name: 'halo', shape: 'annulus', inner: 25, outer: 46 },
  { name: 'dark_field', shape: 'annulus', inner: 50, outer: 80 },
];

/** merlind with a page, for a simulator; further settings as of -o. */
export async function startDaemon(simulator, directory, settings = {}) {
  const all = {
    'detector.host': '127.0.0.1', 'detector.command_port': simulator.command, 'detector.data_port': simulator.data, 'web.token': TOKEN,
    'control.endpoint': "'tcp://127.0.0.1:0'", 'results.endpoint': "'tcp://127.0.0.1:0'", 'web.listen': "'127.0.0.1:0'", 'ring.size': '128MiB',
    workers: 1, 'recording.directory': `'${directory}'`, 'results.map_rate': 10, 'results.pattern_rate': 10,
    'bragg.enabled': true, 'bragg.centre': '[128, 128]', 'bragg.annulus': '[25, 46]', 'bragg.disk_radius': 3.36,
    'calibration.pixel_size_k': 0.1185, 'calibration.scan_step': 0.8, virtual_detectors: JSON.stringify(APERTURES), ...settings,
  };
  const daemon = new Program('merlind', join(BUILD, 'daemon/merlind'), Object.entries(all).flatMap(([key, value]) => ['-o', `${key}=${value}`]));
  const [, control, , web] = await daemon.ready(/^ready control=(\S+) results=(\S+) web=(\S+)$/m);
  return Object.assign(daemon, { control, web: web.replace(/\/$/, '') });
}

/** merlinctl's output as JSON, where it has --json. */
export function ctl(daemon, ...args) {
  const done = spawnSync(join(BUILD, 'clients/ctl/merlinctl'), ['-e', daemon.control, ...args.map(String)], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`merlinctl ${args.join(' ')}: ${done.status}\n${done.stderr}`);
  return args.includes('--json') ? JSON.parse(done.stdout.trim().split('\n').at(-1)) : done.stdout;
}

/** What `expression` of the file `f`, opened by h5py, prints. */
export function h5(file, expression) {
  const done = spawnSync('/usr/bin/python3', ['-c', `import sys, h5py, hdf5plugin\nf = h5py.File(sys.argv[1])\nprint(${expression})`, file], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(done.stderr);
  return done.stdout;
}

/** A map as merlind tells it over ZeroMQ, by merlinctl: values in C order. */
export function mapOf(daemon, directory, name) {
  const path = join(directory, 'map.npy');
  ctl(daemon, 'map', name, '-o', path);
  return readNpy(path);
}

/** The values of a .npy file of doubles, unsigned 64-bit integers or bytes. */
export function readNpy(path) {
  const bytes = readFileSync(path);
  const start = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, start);
  const buffer = bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length);
  if (header.includes("'<f8'")) return [...new Float64Array(buffer)];
  if (header.includes("'<u8'")) return [...new BigUint64Array(buffer)].map(Number);
  return [...new Uint8Array(buffer)];
}

/** Writes doubles in C order as a .npy file. */
export function writeNpy(path, values, shape) {
  const header = `{'descr': '<f8', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const text = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + '\n';
  const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, text.length & 255, text.length >> 8]);
  writeFileSync(path, Buffer.concat([start, Buffer.from(text, 'latin1'), Buffer.from(new Float64Array(values).buffer)]));
}

/** Everything a test needs, taken down by close(). */
export class Bench {
  static async make({ scan = '24x32', fps = 400, settings = {}, simulator = [], browser = true } = {}) {
    const bench = new Bench();
    bench.directory = mkdtempSync(join(tmpdir(), 'merlind-page-'));
    bench.simulator = await startSimulator(scan, fps, ...simulator);
    bench.settings = settings;
    bench.daemon = await startDaemon(bench.simulator, bench.directory, settings);
    await bench.detector();
    if (browser) bench.browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
    bench.pages = [];
    return bench;
  }

  detector() {
    return waitFor(() => {
      const { detector } = ctl(this.daemon, 'status', '--json');
      return detector.command === 'connected' && detector.data === 'connected';
    }, 20, 'the detector to be connected');
  }

  /** A page in a browser profile of its own; `steer`: with the token. Its errors fail the test at the end. */
  async open({ steer = true, web = this.daemon.web, viewport = { width: 1366, height: 768 }, ...options } = {}) {
    const context = await this.browser.newContext({ viewport, acceptDownloads: true, ...options });
    const page = await context.newPage();
    page.errors = [];
    page.on('pageerror', (error) => page.errors.push(error.stack));
    // The browser itself reports every connection that is refused while merlind is not there.
    page.on('console', (message) => message.type() === 'error' && !/ERR_(CONNECTION|EMPTY)|WebSocket is closed before/.test(message.text()) && page.errors.push(message.text()));
    page.setDefaultTimeout(patience(15));
    await page.goto(`${web}/${steer ? `#token=${TOKEN}` : ''}`);
    await page.waitForFunction(() => document.querySelector('.state')?.textContent.match(/idle|complete|receiving|finishing|stopped|armed|short/));
    this.pages.push(page);
    return page;
  }

  errors() {
    return this.pages.flatMap((page) => page.errors);
  }

  async close() {
    await this.browser?.close();
    await this.daemon?.stop();
    await this.simulator?.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

// ------------------------------------------------------------------------------------------------- doing and seeing

export const state = (page) => page.locator('.state').textContent();
/** The id of the run of which the state speaks. */
export const runOf = (page) => page.locator('.state').getAttribute('data-run');

/** Until the state is that of the new scan: before, it is still the end of another. */
export async function startScan(page, ny, nx) {
  const before = await runOf(page);
  await page.locator('#tab-scan').click();
  await page.fill('input[name=ny]', String(ny));
  await page.fill('input[name=nx]', String(nx));
  await page.getByRole('button', { name: 'Start scan' }).click();
  await waitFor(async () => await runOf(page) !== before || /^arm/.test(await state(page)), 30, async () => `the scan to begin; the state is "${await state(page)}"`);
}

export const stateIs = (page, pattern, seconds = 60) => waitFor(async () => pattern.test(await state(page)), seconds, async () => `the state ${pattern}; it is "${await state(page)}"`);

/** What the canvas of panel `index` shows: {product, limits, colours [ny][nx] of [r, g, b, a]}, read from its pixels. */
export function shown(page, index, ny, nx) {
  return page.evaluate(([number, rows, columns]) => {
    const canvas = document.querySelectorAll('.map-panel')[number].querySelector('.image-base');
    const { scale, x, y } = JSON.parse(canvas.dataset.view);
    const pixels = canvas.getContext('2d');
    const ratio = window.devicePixelRatio;
    const colours = Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (__, column) =>
      [...pixels.getImageData(Math.floor((x + (column + 0.5) * scale) * ratio), Math.floor((y + (row + 0.5) * scale) * ratio), 1, 1).data]));
    return { product: canvas.dataset.product, limits: canvas.dataset.limits && JSON.parse(canvas.dataset.limits), colours };
  }, [index, ny, nx]);
}

/** Turns panel `index` to a product of the run, and waits until it is seen: before that a mouse on it does nothing. */
export async function turnTo(page, index, product, seconds = 15) {
  const panel = page.locator('.map-panel').nth(index);
  await panel.locator('header select').selectOption(product, { timeout: patience(seconds) });
  await waitFor(async () => await panel.locator('.image-base').getAttribute('data-product') === product, seconds, `the map ${product}`);
}

/** The input of the chosen map's limit, `low` or `high`. */
export const limitOf = (page, which) => page.getByRole('textbox', { name: `Map: ${which} limit` });

/** A place on the canvas of an image, for the mouse: of a map panel (index) or of the pattern. Taken when the image is there and lies still. */
export async function placeOf(page, selector, { y, x }) {
  const { left, top, view } = await page.locator(`${selector} .image-base`).first().evaluate(whereItLies);
  return { x: left + view.x + (x + 0.5) * view.scale, y: top + view.y + (y + 0.5) * view.scale };
}

// Runs in the page. A canvas whose place has changed is drawn anew one frame later, and what it says of its view is right after that.
function whereItLies(canvas) {
  return new Promise((done, failed) => {
    let before = '';
    let still = 0;
    let frames = 0;
    const look = () => {
      const { left, top, width, height } = canvas.getBoundingClientRect();
      const now = JSON.stringify([left, top, width, height, canvas.dataset.view]);
      still = canvas.dataset.view && now === before ? still + 1 : 0;
      before = now;
      if (still >= 3) done({ left, top, view: JSON.parse(canvas.dataset.view) });
      else if (++frames > 900) failed(new Error(`the image does not come to rest: ${now}`));
      else requestAnimationFrame(look);
    };
    look();
  });
}

/** Puts the mouse on a place, for what is told of it. */
export async function pointAt(page, selector, place) {
  const { x, y } = await placeOf(page, selector, place);
  await page.mouse.move(x, y);
}

/** What the first map's panel says, until it is this. */
export const readoutIs = (page, pattern) => {
  const readout = () => page.locator('.map-panel').first().locator('.readout').textContent();
  return waitFor(async () => pattern.test(await readout()), 10, async () => `the read-out ${pattern}; it is "${await readout()}"`);
};

/** Moves the mouse from one place of the screen to another, with its button down. */
export async function drag(page, start, end) {
  await page.mouse.move(start.x, start.y);
  await page.mouse.down();
  await page.mouse.move((start.x + end.x) / 2, (start.y + end.y) / 2);
  await page.mouse.move(end.x, end.y);
  await page.mouse.up();
}

/** Draws a region on a map from one place to another, as an operator does with Shift. */
export async function drawRectangle(page, from, to) {
  await page.keyboard.down('Shift');
  await drag(page, from, to);
  await page.keyboard.up('Shift');
}

/** Grey (linear) that a value has between limits. */
export const greyOf = (value, [low, high]) => Math.round(255 * (Math.round(Math.min(1, Math.max(0, (value - low) / (high - low))) * 4095) / 4095));
