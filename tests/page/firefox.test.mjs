// The page in Firefox: a scan is started there, its map is that of merlind pixel by pixel, an aperture is moved by keys.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Firefox, haveFirefox } from './firefox.mjs';
import { Bench, ctl, greyOf, mapOf, TOKEN, waitFor } from './harness.mjs';

const [NY, NX] = [12, 16];
const skip = haveFirefox() ? false : 'firefox-esr is not installed';
let bench;
let firefox;

before(async () => {
  if (skip) return;
  bench = await Bench.make({ scan: `${NY}x${NX}`, fps: 1000, browser: false });
  firefox = await Firefox.start();
});
after(async () => {
  await firefox?.stop();
  await bench?.close();
});

const text = (selector) => firefox.run((one) => document.querySelector(one)?.textContent ?? '', selector);
const textIs = (selector, pattern) => waitFor(async () => pattern.test(await text(selector)), 30, async () => `${pattern} in ${selector}; it says "${await text(selector)}"`);

// Runs in the page: the colours of a map's pixels as the canvas has them, and between which limits.
function shownInPage(ny, nx) {
  const canvas = document.querySelector('.map-panel .image-base');
  const { scale, x, y } = JSON.parse(canvas.dataset.view);
  const pixels = canvas.getContext('2d');
  const ratio = window.devicePixelRatio;
  const colours = [];
  for (let row = 0; row < ny; row++) {
    for (let column = 0; column < nx; column++) colours.push([...pixels.getImageData(Math.floor((x + (column + 0.5) * scale) * ratio), Math.floor((y + (row + 0.5) * scale) * ratio), 1, 1).data]);
  }
  return { product: canvas.dataset.product, limits: JSON.parse(canvas.dataset.limits), colours };
}

test('a scan that is started in Firefox ends with the map that ZeroMQ tells, pixel by pixel', { skip }, async () => {
  await firefox.goto(`${bench.daemon.web}/#token=${TOKEN}`);
  await textIs('.state', /^idle/);
  await firefox.run(() => {
    window.faults = [];
    window.addEventListener('error', ({ message }) => window.faults.push(message));
    window.addEventListener('unhandledrejection', ({ reason }) => window.faults.push(String(reason)));
  });
  await firefox.type('input[name=ny]', String(NY));
  await firefox.type('input[name=nx]', String(NX));
  await firefox.click('#panel-scan .primary');
  await textIs('.state', /^complete: 192 of 192/);
  await waitFor(() => firefox.run(() => Boolean(document.querySelector('.map-panel header select option[value=dark_field]'))), 15, 'the map to be offered');
  await firefox.run((name) => {
    const select = document.querySelector('.map-panel header select');
    select.value = name;
    select.dispatchEvent(new Event('change'));
  }, 'dark_field');
  const values = mapOf(bench.daemon, bench.directory, 'dark_field');
  await waitFor(async () => {
    const { product, limits, colours } = await firefox.run(shownInPage, NY, NX).catch(() => ({}));
    return product === 'dark_field' && colours.every(([r, g, b], i) => Math.abs(r - greyOf(values[i], limits)) <= 1 && r === g && g === b);
  }, 15, 'the pixels to be those of the map');
});

test('an aperture is moved by keys in Firefox', { skip }, async () => {
  await firefox.click('#tab-apertures');
  await textIs('.aperture-list', /halo/);
  await firefox.run(() => [...document.querySelectorAll('.aperture-list .row')].find((row) => /halo/.test(row.textContent)).click());
  await firefox.run(() => document.dispatchEvent(new KeyboardEvent('keydown', { key: 'd' })));
  await waitFor(() => ctl(bench.daemon, 'detectors', '--json').detectors.find(({ name }) => name === 'halo').centre?.[1] === 128.5, 10, 'merlind to use it');
});

test('every tab opens, a figure is made, and no error was thrown', { skip }, async () => {
  for (const tab of ['scan', 'bragg', 'align', 'instrument']) await firefox.click(`#tab-${tab}`);
  await firefox.run(() => document.dispatchEvent(new KeyboardEvent('keydown', { key: 'f' })));
  await textIs('.toasts', /Saved .*\.svg and \.png/);
  if (process.env.MERLIND_SCREENS) await firefox.screenshot(join(process.env.MERLIND_SCREENS, 'firefox.png'));
  assert.deepEqual(await firefox.run(() => window.faults), []);
});
