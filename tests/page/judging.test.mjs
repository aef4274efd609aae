import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import { Bench, ctl, drag, drawRectangle, placeOf, pointAt, startScan, stateIs, turnTo, waitFor, writeNpy } from './harness.mjs';

let bench;
let page;

before(async () => {
  bench = await Bench.make({ scan: '20x20', fps: 1000 });
  page = await bench.open();
});
after(async () => {
  await bench?.close();
});

const label = (text) => page.getByLabel('Labels').fill(text);

test('labels of a scan are in its summary, and a series shows the fraction of each', async () => {
  for (const strain of [0, 8]) {
    await page.locator('#tab-scan').click();
    await label(`strain = ${strain}, region = left`);
    await startScan(page, 20, 20);
    await waitFor(() => {
      const { run } = ctl(bench.daemon, 'status', '--json');
      return run?.state === 'finished' && run.labels.strain === strain && run.labels.region === 'left';
    }, 60, `a finished scan at a strain of ${strain}`);
    await stateIs(page, /^complete:/);
  }
  await page.locator('#tab-bragg').click();
  await page.getByRole('button', { name: 'Series' }).click();
  const rows = page.locator('.series tbody tr');
  await waitFor(async () => await rows.count() === 2, 15, 'a row for each strain');
  await waitFor(async () => /^81400\d\d\.\d %/.test(await rows.nth(1).textContent()), 15, async () => `the fraction of a strain: ${await rows.nth(1).textContent()}`);
  await waitFor(async () => await page.locator('.series .dot').count() === 2, 15, 'a dot for each');
  await waitFor(async () => await page.locator('.side-by-side figure').count() === 2, 15, 'the maps of both scans');
  await page.getByRole('button', { name: 'Close' }).last().click();
});

test('an area that is drawn as no film is hatched on the maps and counts in nothing until all is film again', async () => {
  const [from, to] = [await placeOf(page, '.map-panel', { y: 2, x: 2 }), await placeOf(page, '.map-panel', { y: 11, x: 7 })];
  const colourAt = async () => page.evaluate(() => {
    const over = document.querySelector('.map-panel .image-over');
    return [...new Uint32Array(over.getContext('2d').getImageData(0, 0, over.width, over.height).data.buffer)].filter((v) => v === 0xffded6cf).length;
  });
  const patterns = () => ctl(bench.daemon, 'bragg', '--json').n;
  await drawRectangle(page, from, to);
  await page.getByRole('button', { name: 'Not film' }).click();
  await waitFor(() => patterns() === 340, 10, '60 positions to be left out');
  await waitFor(async () => /1 drawn region is no part of the film/.test(await page.locator('#panel-bragg').textContent()), 10, 'that it is told');
  await waitFor(async () => await colourAt() > 20, 10, 'the hatch');
  await page.getByRole('button', { name: 'All is film' }).click();
  await waitFor(() => patterns() === 400, 10, 'all positions to count');
  await waitFor(async () => await colourAt() === 0, 10, 'no hatch');
});

test('regions that were drawn, and a phase, are compared in a table with the test', async () => {
  const [from, to] = [await placeOf(page, '.map-panel', { y: 2, x: 2 }), await placeOf(page, '.map-panel', { y: 11, x: 7 })];
  await drawRectangle(page, from, to);
  await page.getByRole('button', { name: 'Add drawn area' }).click();
  const rows = page.locator('.compare-table tbody tr');
  await waitFor(async () => /^Region 160/.test(await rows.first().textContent().catch(() => '')), 10, 'the region of 60 positions');
  await page.getByRole('button', { name: 'Draw a disk' }).click();
  const [centre, rim] = [await placeOf(page, '.map-panel', { y: 12, x: 12 }), await placeOf(page, '.map-panel', { y: 12, x: 15 })];
  await page.mouse.move(centre.x, centre.y);
  await page.mouse.down();
  await page.mouse.move(rim.x, rim.y);
  await page.mouse.up();
  await waitFor(async () => /^mean of a disk at y 12, x 12, radius 3, 29 patterns$/.test(await page.locator('.note').textContent()), 15, async () => `the mean of the disk: ${await page.locator('.note').textContent()}`);
  await page.getByRole('button', { name: 'Add drawn area' }).click();
  await waitFor(async () => /^Region 229/.test(await rows.nth(1).textContent().catch(() => '')), 10, 'the region of 29 positions');
  await page.getByLabel('Phase: bright in').first().selectOption('dark_field');
  await waitFor(async () => /p = .* by shifts/.test(await page.locator('#panel-bragg').textContent()), 10, 'the test');
  const patterns = async (i) => Number((await rows.nth(i).locator('td').first().textContent()).replace(',', ''));
  await waitFor(async () => await rows.count() === 4 && await patterns(2) + await patterns(3) === 400, 10, 'every position in the phase or outside');
  await page.getByRole('button', { name: 'Summary' }).click();
  const summary = await page.locator('.summary-compared').textContent();
  for (const part of [/Region 160/, /Region 229/, /In the phase/, /Phase: bright in dark field, above half range\. .*p = .* by shifts/]) assert.match(summary, part);
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Clear' }).click();
});

test('a line that is drawn across a map has its profile, with the period that was put in, in nm', async () => {
  const path = join(bench.directory, 'wave.npy');
  const wave = Array.from({ length: 400 }, (_, i) => 50 + 20 * Math.cos((2 * Math.PI * (i % 20)) / 4.3) + 6 * Math.sin(7.1 * i * i));
  writeNpy(path, wave, [20, 20]);
  ctl(bench.daemon, 'put', 'wave', path, 'units=rad');
  await turnTo(page, 0, 'wave');
  await page.getByRole('button', { name: 'Draw a line' }).click();
  await drag(page, await placeOf(page, '.map-panel', { y: 10, x: 1 }), await placeOf(page, '.map-panel', { y: 10, x: 18 }));
  const plot = page.getByRole('region', { name: 'Curve of the profile' });
  const words = () => plot.locator('.readout').textContent();
  const period = async () => (await words()).match(/^period (\d\.\d+) ± (0\.\d+) nm$/)?.slice(1).map(Number);
  const [one] = await waitFor(period, 15, async () => `a period; it says "${await plot.textContent()}"`);
  assert.ok(Math.abs(one - 0.8 * 4.3) < 0.15, `${one} nm`);
  assert.equal(await plot.locator('.plot-place').getAttribute('aria-label'), 'wave (rad) along the line');
  await page.getByLabel('Width of the line').fill('9');
  await page.getByLabel('Width of the line').press('Enter');
  const { period: { value, error } } = ctl(bench.daemon, 'request', 'map_profile', JSON.stringify({ name: 'wave', from: [10, 1], to: [10, 18], width: 9 }), '--json');
  await waitFor(async () => {
    const [shown, about] = await period() ?? [];
    return Math.abs(shown - 0.8 * value) < 0.006 && Math.abs(about - 0.8 * error) < 0.006;
  }, 10, async () => `${0.8 * value} ± ${0.8 * error} nm; it says "${await words()}"`);
  await turnTo(page, 0, 'bragg/class');
  await waitFor(async () => /Bragg class has no profile: choose another map/.test(await plot.textContent()), 10, 'that classes have none');
  await turnTo(page, 0, 'halo');
});

test('the radial profile follows the cursor over a map, beside that of the whole scan', async () => {
  await page.getByLabel('Profile', { exact: true }).selectOption('radial, at the cursor');
  await pointAt(page, '.map-panel', { y: 5, x: 9 });
  await waitFor(async () => (await page.locator('.plots .readout').first().textContent()) === 'y 5  x 9', 10, 'the profile of this position');
  assert.equal(await page.locator('.plots .plot').first().locator('canvas').count(), 1);
});

test('settings of the search are drawn on the pattern while they are typed, dashed until they are applied', async () => {
  const drawnAt = (x) => page.evaluate((column) => {
    const [base, over] = ['base', 'over'].map((name) => document.querySelector(`.pattern-column .image-${name}`));
    const { scale, x: left, y: top } = JSON.parse(base.dataset.view);
    return [...over.getContext('2d').getImageData(left + (column + 0.5) * scale, top + 128.5 * scale, 1, 1).data];
  }, x);
  const isRing = ([r, g, b, a]) => a > 100 && Math.min(r, g, b) > 190;
  await waitFor(async () => isRing(await drawnAt(128 + 46)), 5, 'the ring that is in force');
  await page.getByLabel('Ring, outer').fill('60');
  await waitFor(async () => /not applied yet/.test(await page.locator('#panel-bragg .hint').textContent()), 5, 'the ring that is asked for');
  await waitFor(async () => !isRing(await drawnAt(128 + 46)), 5, 'the ring that is in force not to be drawn');
  await page.getByLabel('Ring, outer').fill('46');
  await waitFor(async () => isRing(await drawnAt(128 + 46)), 5, 'the ring that is in force');
});

test('a finished scan is searched again with the settings that are applied', async () => {
  const told = () => page.locator('#panel-bragg').textContent();
  const found = async () => (await told()).match(/With reflections([\d,]+?)\d?\d\.\d %/)?.[1];
  const before = await waitFor(found, 15, async () => `the classes of before: ${await told()}`);
  await page.getByLabel('Ring, outer').fill('33');
  await page.getByRole('button', { name: 'Apply' }).click();
  await waitFor(async () => /^Final/.test(await told()) && await found() !== before, 60, async () => `other classes: ${await told()}`);
  await page.getByLabel('Ring, outer').fill('46');
  await page.getByRole('button', { name: 'Apply' }).click();
  await waitFor(async () => /^Final/.test(await told()) && await found() === before, 60, 'the classes of before');
});

test('passes of a scan are chosen, and told with their drift', async () => {
  await page.locator('#tab-scan').click();
  await page.getByLabel('Repeats').fill('2');
  await startScan(page, 20, 20);
  await waitFor(() => ctl(bench.daemon, 'status', '--json').run.frames.placed === 800, 30, 'both passes');
  await stateIs(page, /^complete: 800/);
  await page.getByLabel('Repeats').fill('1');
  await page.getByLabel('Pass of the scan').selectOption('pass 1 of 2');
  const { x, y } = await placeOf(page, '.map-panel', { y: 3, x: 4 });
  await page.mouse.click(x, y);
  await waitFor(async () => /y 3 {2}x 4.*1 pattern/.test(await page.locator('.note').textContent()), 15, 'the pattern of the first pass');
  await page.locator('#tab-bragg').click();
  await page.getByRole('button', { name: 'Series' }).click();
  const drift = page.getByRole('region', { name: 'Repeats' }).locator('tbody tr').nth(1);
  await waitFor(async () => /^2.*y [+−]0\.0\d {2}x [+−]0\.0\d ±/.test(await drift.textContent().catch(() => '')), 15, 'the drift of the second pass: none');
  await page.getByRole('button', { name: 'Close' }).last().click();
});

test('fifty patterns are labelled blind by keys, and held against the classifier', async () => {
  await waitFor(async () => page.getByRole('button', { name: 'Label blind' }).isEnabled(), 15, 'the classes to be final');
  await page.getByRole('button', { name: 'Label blind' }).click();
  const at = () => page.locator('.blind [role=status]').textContent();
  // A key that comes while a pattern is being fetched is not taken: it is pressed until it is.
  const press = (key, next) => waitFor(async () => {
    if (await at() === next) return true;
    await page.keyboard.press(key);
    return await at() === next;
  }, 15, `"${next}" after the key ${key}`);
  await press('0', '2 of 50');
  await press('Backspace', '1 of 50');
  for (let i = 2; i <= 50; i++) await press(i === 2 ? '2' : '0', `${i} of 50`);
  await press('0', '50 patterns labelled');
  await waitFor(async () => /agrees in \d+ %/.test(await page.locator('.blind-result').textContent()), 15, 'the comparison');
  await page.getByRole('button', { name: 'Leave' }).click();
});

test('aligning shows the bright disk in numbers and records nothing', async () => {
  await page.locator('#tab-scan').click();
  await page.getByRole('button', { name: 'Align' }).click();
  await stateIs(page, /^aligning/);
  await page.locator('#tab-align').click();
  const readings = page.locator('.readings');
  await waitFor(async () => /Radius\d+\.\d px.*Roundness[01]\.\d+.*full scale/.test(await readings.textContent()), 30, async () => `the readings: ${await readings.textContent()}`);
  assert.equal(ctl(bench.daemon, 'status', '--json').run.file, '');
  await page.getByRole('button', { name: 'Use this centre' }).click();
  await waitFor(async () => /From the calibrated/.test(await readings.textContent()), 10, 'the centre to be used');
  await page.getByRole('button', { name: 'Stop' }).hover();
  await page.mouse.down();
  await stateIs(page, /^aligning stopped/);
  await page.mouse.up();
});

test('a vacuum reference is measured, kept and used; of other settings, it is warned of', async () => {
  const form = page.getByRole('region', { name: 'Vacuum reference' });
  const voltage = async (kv) => {
    await page.locator('#tab-instrument').click();
    await page.getByLabel('Voltage').fill(String(kv));
    await page.getByLabel('Voltage').press('Enter');
    await waitFor(() => ctl(bench.daemon, 'request', 'calibration', '{}', '--json').calibration.kv?.value === kv, 10, `${kv} kV`);
    await page.locator('#tab-align').click();
  };
  await voltage(200);
  await form.getByLabel('Beam current').fill('10');
  await form.getByRole('button', { name: 'Measure' }).click();
  await waitFor(async () => /Radius\d\.\d\d ± \d\.\d\d px, \d\.\d\d mrad.*Descany .*Counts per e⁻\d\.\d+ ±/.test(await form.textContent()), 15, async () => `the reference: ${await form.textContent()}`);
  await form.getByLabel('Name').fill('vacuum-1');
  await form.getByRole('button', { name: 'Keep and use' }).click();
  await waitFor(async () => /^vacuum-1, /.test(await form.locator('.references').textContent()), 15, 'it to be in use');
  await voltage(300);
  await waitFor(async () => /vacuum-1.*300/.test(await form.locator('.warnings').textContent()), 15, async () => `the warning: ${await form.textContent()}`);
});

test('the page made no error', () => assert.deepEqual(bench.errors(), []));
