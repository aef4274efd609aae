// The list of recordings, and an old run looked at again while another scan is taken.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AXE, Bench, ctl, drag, patience, placeOf, shown, startScan, stateIs, turnTo, waitFor } from './harness.mjs';

const SCREENS = process.env.MERLIND_SCREENS;
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'];
/** What shows an old run gets the CPU only where nobody else wants it, seconds. */
const IDLE_S = 120;
let bench;
let page;
let old;

before(async () => {
  bench = await Bench.make({ scan: '20x24', fps: 400 });
  for (const strain of [0, 8]) {
    ctl(bench.daemon, 'start', '--scan', '20x24', '--label', `strain=${strain}`, '--wait');
    old ??= ctl(bench.daemon, 'status', '--json').run;
  }
  page = await bench.open();
});
after(async () => {
  await bench?.close();
});

async function look(name) {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  if (SCREENS) await page.screenshot({ path: join(SCREENS, `${name}.png`) });
  await page.evaluate(readFileSync(AXE, 'utf8'));
  const { violations } = await page.evaluate((rules) => window.axe.run(document, { runOnly: rules }), RULES);
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`), []);
}

const cards = () => page.locator('.run-card');
const cardOf = ({ file }) => page.locator(`.run-card[data-file="${file}"]`);

test('the list shows the newest first, with pictures, fractions and labels', async () => {
  await page.keyboard.press('r');
  await waitFor(async () => await cards().count() === 2, 15, 'both recordings');
  await waitFor(async () => /20 × 24.*BR \d+\.\d %.*strain 8.*complete, 480 of 480 recorded/.test(await cards().nth(0).textContent()), 15, async () => `the newest: ${await cards().nth(0).textContent()}`);
  assert.match(await cards().nth(1).textContent(), /strain 0/);
  const greys = () => cards().nth(0).locator('canvas').evaluate((canvas) => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size);
  await waitFor(async () => await greys() > 20, 15, async () => `a picture; it has ${await greys()} values`);
});

test('arrows move among recordings, Escape leaves the list', async () => {
  const isChosen = (i) => waitFor(() => cards().nth(i).evaluate((card) => card === document.activeElement), 5, `card ${i} to be the chosen one`);
  await isChosen(0);
  await page.keyboard.press('ArrowRight');
  await isChosen(1);
  await page.keyboard.press('Escape');
  await waitFor(async () => (await page.locator('dialog').count()) === 0, 5, 'the list to be gone');
});

test('the scan that is running is the first of the list, with a picture that grows, until it is over', async () => {
  const search = (enabled) => ctl(bench.daemon, 'request', 'bragg_settings', JSON.stringify({ enabled }));
  search(false); // or its end would take as long as the search
  ctl(bench.daemon, 'start', '--scan', '400x500');
  await stateIs(page, /receiving/);
  await page.keyboard.press('r');
  const first = cards().first();
  const taken = async () => Number((await first.textContent()).match(/400 × 500.*running.*receiving, ([\d,]+) of 200,000/)?.[1].replaceAll(',', '') ?? 0);
  const before = await waitFor(taken, 20, async () => `the running scan: ${await first.textContent()}`);
  await waitFor(async () => await taken() > before && await first.locator('canvas').count() === 1, 20, 'it to grow');
  const about = () => page.locator('.runs-dialog [role=status]').textContent();
  await waitFor(async () => await about() === 'Recordings 1–2 of 2; in front, the scan that is running', 15, about);
  await look('recordings');
  ctl(bench.daemon, 'stop');
  await waitFor(async () => await cards().count() === 3 && /stopped, [\d,]+ of 200,000 recorded/.test(await first.textContent()), IDLE_S, 'the list to have the recording in its place');
  assert.doesNotMatch(await first.textContent(), /running/);
  search(true);
  await page.keyboard.press('Escape');
});

test('an old run is opened by the keyboard while a scan goes on, in the same views, and says what it is', async () => {
  await startScan(page, 40, 40);
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press('r');
  await cardOf(old).waitFor();
  await cardOf(old).focus();
  await page.keyboard.press('Enter');
  await page.locator('.old-run-line').waitFor({ timeout: patience(IDLE_S) });
  assert.match(await page.locator('.old-run-line').textContent(), new RegExp(old.file.split('/').at(-1).replace(/\./g, '\\.')));
  await stateIs(page, /^complete: 480 of 480/, IDLE_S);
  assert.equal(await page.locator('#tab-scan').isHidden(), true);
  await page.keyboard.press('1');
  await turnTo(page, 0, 'dark_field', IDLE_S);
  await waitFor(async () => (await shown(page, 0, 20, 24).catch(() => ({}))).limits, IDLE_S, 'the map of the old run');
});

test('an aperture that is moved there gives another map', async () => {
  const before = (await shown(page, 0, 20, 24)).limits;
  await page.locator('.aperture-list .row', { hasText: 'dark field' }).click();
  const outer = page.locator('#panel-apertures').getByLabel('Outer');
  await outer.fill('120');
  await outer.press('Enter');
  await waitFor(async () => /Recomputed/.test(await page.locator('#panel-apertures').textContent()), IDLE_S, 'the recomputation');
  await page.locator('.map-panel .image-base').first().waitFor();
  await page.keyboard.press('Escape');
  await waitFor(async () => {
    const { limits } = await shown(page, 0, 20, 24);
    return limits && limits[1] !== before[1];
  }, IDLE_S, 'the other map');
  await look('old_run');
});

test('a line that is drawn there has its profile', async () => {
  await page.getByRole('button', { name: 'Draw a line' }).click();
  await drag(page, await placeOf(page, '.map-panel', { y: 3, x: 2 }), await placeOf(page, '.map-panel', { y: 12, x: 20 }));
  const plot = page.getByRole('region', { name: 'Curve of the profile' });
  await waitFor(async () => await plot.locator('[aria-label="dark field (cts) along the line"]').count() && /period/.test(await plot.textContent()), IDLE_S, async () => `the profile: ${await plot.textContent()}`);
});

test('one key leads back to the live scan, which has lost nothing', async () => {
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press('b');
  await waitFor(async () => (await page.locator('.old-run-line').count()) === 0, 15, 'the live scan');
  await stateIs(page, /^complete: 1,600 of 1,600/, IDLE_S);
  assert.equal(ctl(bench.daemon, 'status', '--json').run.stalls.episodes, 0);
  assert.equal(await page.locator('.pattern-column header select').inputValue(), 'latest', 'the live scan is seen as it was before');
  assert.equal(await page.locator('#tab-scan').getAttribute('aria-selected'), 'true');
});

test('when the process of an old run is lost the page says so and is at the live scan again', async () => {
  await page.goto(`${bench.daemon.web}/?run=${encodeURIComponent(old.file)}`);
  await page.locator('.old-run-line').waitFor({ timeout: patience(IDLE_S) });
  await stateIs(page, /^complete: 480 of 480/, IDLE_S);
  const [{ pid }] = ctl(bench.daemon, 'status', '--json').opened;
  process.kill(pid, 'SIGKILL');
  await page.locator('.toast', { hasText: 'is not open any more' }).waitFor({ timeout: patience(60) });
  await waitFor(async () => await page.locator('.old-run-line').count() === 0, 15, 'the live scan');
  await stateIs(page, /complete: 1,600/);
});

test('the page made no error', () => assert.deepEqual(bench.errors(), []));
