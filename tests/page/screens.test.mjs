// Every view is opened, held against axe-core's rules, and photographed: $MERLIND_SCREENS is where the pictures go, if
// anywhere. Those of docs/screens are made by MERLIND_SCREENS=docs/screens node --test tests/page/screens.test.mjs

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AXE, Bench, drag, drawRectangle, placeOf, pointAt, readoutIs, startScan, stateIs, turnTo, waitFor } from './harness.mjs';

const SCREENS = process.env.MERLIND_SCREENS;
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'];
const SIDE = 64;
let bench;
let page;

before(async () => {
  if (SCREENS) mkdirSync(SCREENS, { recursive: true });
  bench = await Bench.make({ scan: `${SIDE}x${SIDE}`, fps: 450, simulator: ['--speckle', 0.03, '--charge-sharing'] });
  page = await bench.open();
});
after(async () => {
  await bench?.close();
});

/** What is on the screen breaks no rule; the picture is called `name`. */
async function look(name) {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  if (SCREENS) await page.screenshot({ path: join(SCREENS, `${name}.png`) });
  await page.evaluate(readFileSync(AXE, 'utf8'));
  const { violations } = await page.evaluate((rules) => window.axe.run(document, { runOnly: rules }), RULES);
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`), []);
}

test('before a scan', () => look('idle'));

test('while a scan grows', async () => {
  await page.locator('#tab-scan').click();
  await page.getByLabel('Labels').fill('strain = 4, region = left');
  await startScan(page, SIDE, SIDE);
  await waitFor(async () => Number(await page.locator('.state-bar .progress').getAttribute('aria-valuenow')) > 60, 40, 'half of the scan');
  await look('scan');
  await stateIs(page, /^complete:/, 90);
});

test('apertures', async () => {
  await page.locator('#tab-apertures').click();
  await page.locator('.aperture-list .row', { hasText: 'halo' }).click();
  await page.locator('.pattern-column header select').selectOption('sum');
  await page.locator('.pattern-column .image-base[data-product=sum]').waitFor();
  await look('apertures');
});

test('Bragg reflections of a position', async () => {
  await page.keyboard.press('1');
  await turnTo(page, 0, 'bragg/class');
  await page.locator('#tab-bragg').click();
  await page.locator('.bragg-table').waitFor();
  const { x, y } = await placeOf(page, '.map-panel', await positionOf('two-beam'));
  await page.mouse.click(x, y);
  await waitFor(async () => /two-beam/.test(await page.locator('.note').textContent()), 15, 'the pattern of this position');
  await look('bragg');
});

test('regions and a phase in the table', async () => {
  const [from, to] = [await placeOf(page, '.map-panel', { y: 4, x: 4 }), await placeOf(page, '.map-panel', { y: 24, x: 30 })];
  await drawRectangle(page, from, to);
  await page.getByRole('button', { name: 'Add drawn area' }).click();
  await page.getByLabel('Phase: bright in').first().selectOption('dark_field');
  await waitFor(async () => /by shifts/.test(await page.locator('#panel-bragg').textContent()), 20, 'the test of the phase');
  await waitFor(async () => /567 patterns/.test(await page.locator('.note').textContent()), 20, 'the mean pattern of the area');
  await look('regions');
  await page.getByRole('button', { name: 'Clear' }).click();
});

test('a line across a map, and the profile along it', async () => {
  await turnTo(page, 0, 'dark_field');
  await page.getByRole('button', { name: 'Draw a line' }).click();
  await drag(page, await placeOf(page, '.map-panel', { y: 30, x: 3 }), await placeOf(page, '.map-panel', { y: 30, x: 60 }));
  await page.getByLabel('Width of the line').fill('15');
  await page.getByLabel('Width of the line').press('Enter');
  const curve = page.getByRole('region', { name: 'Curve of the profile' });
  await waitFor(async () => await curve.locator('[aria-label="dark field (cts) along the line"]').count() && /period/.test(await curve.textContent()), 20, 'the profile');
  await look('line');
  await page.getByLabel('Profile', { exact: true }).selectOption('radial sum');
  await turnTo(page, 0, 'bragg/class');
});

test('the series', async () => {
  await page.getByRole('button', { name: 'Series' }).click();
  await page.locator('.side-by-side figure').first().waitFor();
  await look('series');
  await page.keyboard.press('Escape');
});

test('who steers', async () => {
  await page.locator('.tools .control').click();
  await look('control');
  await page.getByRole('button', { name: 'Close' }).click();
});

test('in the light, with what is known of the instrument', async () => {
  await page.keyboard.press('2');
  await turnTo(page, 0, 'halo');
  await page.getByRole('heading', { name: 'halo in time' }).waitFor();
  await page.locator('#tab-instrument').click();
  await page.keyboard.press('t');
  await look('light');
  await page.keyboard.press('t');
});

test('DPC and a power spectrum', async () => {
  await turnTo(page, 0, 'dpc:com');
  await page.getByRole('button', { name: 'FFT of map 2' }).click();
  await page.locator('.map-panel .image-base[data-product="dpc:com"]').waitFor();
  await page.locator('.map-panel .image-base[data-product="spectrum:dark_field"]').waitFor();
  await look('dpc');
  await page.getByRole('button', { name: 'FFT of map 2' }).click();
});

test('keys', async () => {
  await page.locator('#tab-scan').focus();
  await page.keyboard.press('?');
  await page.getByRole('dialog').waitFor();
  await look('keys');
  await page.keyboard.press('Escape');
});

test('summary', async () => {
  await page.keyboard.press('4');
  await page.getByRole('button', { name: 'Summary' }).click();
  await page.getByRole('dialog').waitFor();
  await look('summary');
  await page.getByRole('button', { name: 'Close' }).click();
});

test('aligning, with a vacuum reference measured', async () => {
  await page.locator('#tab-align').click();
  await page.getByRole('button', { name: 'Measure' }).click();
  await waitFor(async () => /Descan/.test(await page.locator('#panel-align').textContent()), 15, 'what was measured');
  await look('align');
});

test('on a tablet, either way', async () => {
  await page.setViewportSize({ width: 1024, height: 768 });
  await look('tablet');
  await page.setViewportSize({ width: 768, height: 1024 });
  const [row, tools] = await Promise.all(['.state-row', '.tools'].map((selector) => page.locator(selector).boundingBox()));
  assert.ok(tools.y >= row.y + row.height, 'the state has a line of its own');
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 768, 'nothing sticks out to the side');
  await page.locator('#tab-scan').click();
  const start = await page.getByRole('button', { name: 'Start scan' }).boundingBox();
  assert.ok(start.y + start.height <= 1024, 'steering is reached without scrolling');
  await page.locator('#tab-scan').click();
  assert.equal(await page.locator('#panel-scan').isVisible(), false, 'and folded by its tab again');
  await look('tablet_upright');
});

test('the page made no error', () => assert.deepEqual(bench.errors(), []));

/** The first position of a class, from the page's own read-out under the moving cursor. */
async function positionOf(name) {
  const row = Math.floor(SIDE / 2);
  for (let i = 0; i < SIDE; i++) {
    await pointAt(page, '.map-panel', { y: row, x: i });
    await readoutIs(page, new RegExp(`^y ${row} x ${i} `));
    if ((await page.locator('.map-panel').first().locator('.readout').textContent()).includes(name)) return { y: row, x: i };
  }
  throw new Error(`no position is ${name}`);
}
