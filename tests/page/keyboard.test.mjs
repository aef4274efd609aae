// Everything that a mouse does is done by keys.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench, ctl, readoutIs, startScan, state, stateIs, waitFor } from './harness.mjs';

let bench;
let page;

before(async () => {
  bench = await Bench.make({ scan: '16x16', fps: 1000 });
  page = await bench.open();
  await startScan(page, 16, 16);
  await stateIs(page, /^complete:/);
  await page.locator('.map-panel .image-base[data-product]').first().waitFor();
  await page.locator('#tab-scan').focus();
});
after(async () => {
  await bench?.close();
});

const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
const note = (pattern) => waitFor(async () => pattern.test(await page.locator('.note').textContent()), 15, async () => `the note ${pattern}; it is "${await page.locator('.note').textContent()}"`);

test('the help names every key that does something', async () => {
  await press('?');
  await page.locator('.help kbd').first().waitFor();
  const named = await page.locator('.help kbd').allTextContents();
  for (const key of 'WASDQEZOIJKLXVCGMPFNYRBHUT124?') assert.ok(named.includes(key), `${key} in ${named}`);
  for (const key of ['Space', 'Esc', 'Enter', '←', '+', '0']) assert.ok(named.includes(key), `${key} in ${named}`);
  await press('Escape');
});

test('positions of the scan, and a region from one to the other', async () => {
  await press('i', 'Shift+J');
  await note(/^y 7 {2}x 3(, .*)?, 1 pattern$/);
  await press('x', 'k', 'k', 'Shift+L', 'x');
  await note(/^mean of y 7–9, x 3–8, 18 patterns$/);
});

test('a line from one position to the other, with its profile', async () => {
  await page.getByRole('button', { name: 'Draw a line' }).focus();
  await press('Enter', 'x', 'Shift+I', 'Shift+L', 'x');
  const curve = page.getByRole('region', { name: 'Curve of the profile' });
  await waitFor(async () => await curve.getByRole('img', { name: 'halo (cts) along the line' }).count() && /period/.test(await curve.textContent()), 15, async () => `the profile: ${await curve.textContent()}`);
});

test('the newest pattern is where it is in the scan; its class is told', async () => {
  await press('v');
  await note(/^pattern 256, y 15 {2}x 15, (none|two-beam|three-beam|on-axis|multiple)$/);
});

test('a value under the cursor of the arrow keys, and the position taken there', async () => {
  await press('m', 'ArrowUp', 'Shift+ArrowLeft');
  await readoutIs(page, /^y 7 x 3 /);
  await press('+', 'Enter');
  await note(/^y 7 {2}x 3/);
  await press('0');
});

test('an aperture is chosen, moved and grown', async () => {
  const before = ctl(bench.daemon, 'detectors', '--json').detectors[0];
  await press('z', 'd', 'Shift+W', 'e');
  await waitFor(() => {
    const { centre, radius } = ctl(bench.daemon, 'detectors', '--json').detectors[0];
    return radius === before.radius + 1 && centre && centre[1] === 128.5 && centre[0] === 122.5;
  }, 10, () => `the aperture; it is ${JSON.stringify(ctl(bench.daemon, 'detectors', '--json').detectors[0])}`);
});

test('the centre of the pattern is clicked with Enter, and Esc leaves a click', async () => {
  await press('u', 'u', 'u', 'u');
  await page.locator('#tab-instrument[aria-selected=true]').waitFor();
  await page.getByRole('button', { name: 'Click centre' }).focus();
  await press('Enter', 'Escape');
  await waitFor(async () => await page.locator('#panel-instrument .hint').textContent() === '', 10, 'the click to be left');
  await page.getByRole('button', { name: 'Click centre' }).focus();
  await press('Enter', 'ArrowDown', 'Enter');
  await waitFor(() => String(ctl(bench.daemon, 'request', 'calibration', '{}', '--json').calibration.centre?.value) === '129,128', 10, 'the centre that was clicked');
});

test('the picture is held and goes on', async () => {
  await page.locator('#tab-scan').focus();
  await page.keyboard.press('Escape');
  await page.evaluate(() => document.activeElement.blur());
  await press('Space');
  await page.getByRole('button', { name: 'Picture held' }).waitFor();
  await press('Space');
  await waitFor(async () => page.getByRole('button', { name: 'Picture held' }).isHidden(), 5, 'the picture to go on');
});

test('a scan is started and stopped', async () => {
  await press('4', 'u');
  while (await page.locator('#tab-scan').getAttribute('aria-selected') !== 'true') await press('u');
  await page.locator('#panel-scan').getByRole('button', { name: 'Align' }).focus();
  await press('Enter');
  await stateIs(page, /^aligning –/);
  // A hold that a busy machine cuts short is begun again.
  await waitFor(async () => {
    if (!/^aligning –/.test(await state(page))) return true;
    await page.getByRole('button', { name: 'Stop' }).focus();
    await page.keyboard.down('Space');
    await new Promise((done) => setTimeout(done, 900));
    await page.keyboard.up('Space');
    return false;
  }, 60, 'the scan to be stopped');
  await stateIs(page, /^aligning stopped/);
});

test('the page made no error', () => assert.deepEqual(bench.errors(), []));
