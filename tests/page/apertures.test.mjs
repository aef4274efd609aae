import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench, ctl, drag, mapOf, placeOf, startScan, stateIs, waitFor } from './harness.mjs';

let bench;
let page;

const detectors = () => ctl(bench.daemon, 'detectors', '--json').detectors;
const halo = () => detectors().find(({ name }) => name === 'halo');

before(async () => {
  bench = await Bench.make({ scan: '16x16', fps: 1000 });
  page = await bench.open();
  await startScan(page, 16, 16);
  await stateIs(page, /^complete:/);
  await page.locator('#tab-apertures').click();
});
after(async () => {
  await bench?.close();
});

const dragged = async (from, to) => drag(page, await placeOf(page, '.pattern-column', from), await placeOf(page, '.pattern-column', to));

test('an aperture is taken by its outline, and dragged is what merlind uses', async () => {
  await dragged({ y: 127.5, x: 127.5 + 46 }, { y: 127.5, x: 127.5 + 60 });
  await waitFor(() => Math.abs(halo().outer - 60) < 1, 10, () => `an outer radius of 60; it is ${halo().outer}`);
  const away = Math.SQRT1_2;
  await dragged({ y: 127.5 - 60 * away, x: 127.5 + 60 * away }, { y: 127.5 - 70 * away, x: 127.5 + 70 * away });
  await waitFor(() => Math.abs(halo().outer - 70) < 1, 10, () => `an outer radius of 70; it is ${halo().outer}`);
  assert.equal(halo().inner, 25);
  await waitFor(async () => /annulus/.test(await page.locator('.aperture-list .row', { hasText: 'halo' }).textContent()), 10, 'it to be applied');
});

test('that the part scanned before waits to be recomputed is told; recomputed, the map is that of the new aperture', async () => {
  await waitFor(async () => /still shows the old aperture/.test(await page.locator('#panel-apertures').textContent()), 10, 'it to be told');
  const before = mapOf(bench.daemon, bench.directory, 'halo');
  await page.getByRole('button', { name: 'Recompute' }).click();
  await waitFor(async () => /Recomputed/.test(await page.locator('#panel-apertures').textContent()), 30, 'the recomputation');
  const values = mapOf(bench.daemon, bench.directory, 'halo');
  assert.ok(values.every((value, i) => value > before[i] || Number.isNaN(before[i])), 'a larger ring holds more');
});

test('an aperture is dragged as a whole, and moved by keys', async () => {
  await dragged({ y: 127.5, x: 127.5 + 45 }, { y: 137.5, x: 127.5 + 45 });
  await waitFor(() => Math.abs((halo().centre ?? [0, 0])[0] - 137.5) < 1, 10, 'the centre to have moved');
  const [y, x] = halo().centre;
  await page.locator('.pattern-column .image-over').focus();
  await page.keyboard.press('d');
  await page.keyboard.press('Shift+W');
  await waitFor(() => Math.abs(halo().centre[1] - x - 1) < 0.11 && Math.abs(halo().centre[0] - y + 5) < 0.11, 10, () => `the keys; the centre is ${halo().centre}, it was ${[y, x]}`);
});

test('words over the pattern are out of the way of a hand that drags, and say that a scale is of the display only', async () => {
  const words = ['.note', '.display-only'].map((selector) => page.locator(`.pattern-column ${selector}`));
  await page.locator('.pattern-column .image-over').focus();
  await page.keyboard.press('g');
  await waitFor(async () => await words[1].textContent() === 'sqrt, display only', 5, 'the scale to be told');
  const [y, x] = halo().centre;
  const rim = await placeOf(page, '.pattern-column', { y, x: x + halo().outer });
  await page.mouse.move(rim.x, rim.y);
  await page.mouse.down();
  for (const one of words) assert.equal(await one.isVisible(), false);
  await page.mouse.up();
  for (const one of words) await one.waitFor();
  assert.equal(await page.locator('[title] .image-over').count(), 0, 'no tip is over an image');
  await page.keyboard.press('g');
  await page.keyboard.press('g');
  await waitFor(async () => await words[1].textContent() === '', 5, 'a linear scale to need no words');
});

test('an aperture is added, typed, and removed', async () => {
  await page.getByLabel('Shape of a new aperture').selectOption('rectangle');
  await page.getByLabel('Name of a new aperture').fill('box');
  await page.getByRole('button', { name: 'Add' }).click();
  await waitFor(() => detectors().some(({ name }) => name === 'box'), 10, 'the new aperture');
  await page.getByLabel('Height').fill('31');
  await page.getByLabel('Height').press('Enter');
  await waitFor(() => detectors().find(({ name }) => name === 'box').size[0] === 31, 10, 'the height that was typed');
  await page.getByRole('button', { name: 'Remove box' }).click();
  await waitFor(() => !detectors().some(({ name }) => name === 'box'), 10, 'it to be gone');
});

test('an aperture is drawn where merlind has it, not where the centre is; a button takes it there', async () => {
  ctl(bench.daemon, 'calibration', 'centre=[120,131]');
  await page.reload();
  await page.locator('#tab-apertures').click();
  const row = page.locator('.aperture-list .row', { hasText: 'dark field' });
  await row.click();
  assert.equal(await page.locator('#panel-apertures').getByLabel('Centre y').inputValue(), '127.5');
  await page.getByRole('button', { name: 'To the centre' }).click();
  const darkField = () => detectors().find(({ name }) => name === 'dark_field');
  await waitFor(() => String(darkField().centre) === '120,131', 10, () => `the centre; it is at ${darkField().centre}`);
  await row.click();
});

test('what merlind refuses is told, and drawn as it was', async () => {
  await page.locator('.aperture-list .row', { hasText: 'bright field' }).click();
  const radius = page.locator('#panel-apertures').getByLabel('Radius');
  await radius.fill('-3');
  await radius.press('Enter');
  await page.locator('.toast[data-tone=bad]').waitFor();
  assert.equal(detectors().find(({ name }) => name === 'bright_field').radius, 24);
  await radius.blur();
  await waitFor(async () => await radius.inputValue() === '24', 5, 'the radius as it was');
});

test('the page made no error', () => assert.deepEqual(bench.errors(), []));
