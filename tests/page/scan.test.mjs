import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Bench, ctl, greyOf, limitOf, mapOf, placeOf, pointAt, readoutIs, shown, startScan, state, stateIs, turnTo, waitFor, writeNpy } from './harness.mjs';

const [NY, NX] = [24, 32];
let bench;
let page;

before(async () => {
  bench = await Bench.make({ scan: `${NY}x${NX}`, fps: 100 });
  page = await bench.open();
  await page.keyboard.press('1');
});
after(async () => {
  await bench?.close();
});

const isHatch = ([r, g, b, a]) => a === 255 && (r !== g || g !== b);

test('a scan that is started on the page grows on the canvas, line by line', async () => {
  await startScan(page, NY, NX);
  await stateIs(page, /receiving/);
  await turnTo(page, 0, 'dark_field');
  const half = await waitFor(async () => {
    const { colours } = await shown(page, 0, NY, NX);
    const filled = colours.filter((row) => !isHatch(row[0])).length;
    return filled > 2 && filled < NY - 4 && colours;
  }, 20, 'part of the map');
  assert.ok(isHatch(half[NY - 1][NX - 1]), 'what was not measured is hatched');
  await stateIs(page, /^complete: 768 of 768/);
});

const valuesAreShown = (name, values) => waitFor(async () => {
  const { product, colours, limits } = await shown(page, 0, NY, NX);
  return product === name && colours.flat().every(([r, g, b], i) => Math.abs(r - greyOf(values[i], limits)) <= 1 && r === g && g === b);
}, 10, `the pixels to be those of the map ${name}`);

/** What the page tells of the position (7, 11) of the first map. */
async function told() {
  await pointAt(page, '.map-panel', { y: 7, x: 11 });
  return page.locator('.map-panel').first().locator('.readout').textContent();
}

const toldIs = (text) => waitFor(async () => await told() === text, 10, async () => `"${text}"; it says "${await told()}"`);

test('every pixel is that of the map that ZeroMQ tells', async () => {
  await valuesAreShown('dark_field', mapOf(bench.daemon, bench.directory, 'dark_field'));
});

test('the value under the cursor is that of the map', async () => {
  const values = mapOf(bench.daemon, bench.directory, 'dark_field');
  await toldIs(`y 7 x 11  ${values[7 * NX + 11].toLocaleString('en-GB')} cts`);
});

test('a map that a script puts is shown like one of merlind itself, and so is the one that replaces it', async () => {
  const path = join(bench.directory, 'script.npy');
  for (const period of [5, 9]) {
    const values = Array.from({ length: NY * NX }, (_, i) => (i % NX) * 3 + Math.floor(i / NX) % period);
    writeNpy(path, values, [NY, NX]);
    ctl(bench.daemon, 'put', 'from_script', path);
    await turnTo(page, 0, 'from_script');
    await valuesAreShown('from_script', values);
    await toldIs(`y 7 x 11  ${values[7 * NX + 11].toLocaleString('en-GB')}`);
  }
  await turnTo(page, 0, 'dark_field');
});

test('DPC tells where the centre of mass is shifted, and how far', async () => {
  const [y, x] = ['com_y', 'com_x'].map((name) => mapOf(bench.daemon, bench.directory, name));
  const middle = (values) => [...values].sort((a, b) => a - b)[(values.length - 1) >> 1];
  const i = 7 * NX + 11;
  const [dy, dx] = [y[i] - middle(y), x[i] - middle(x)];
  await turnTo(page, 0, 'dpc:com');
  await waitFor(async () => {
    const [, far, degrees] = (await told()).match(/^y 7 x 11 {2}([\d.e−-]+) towards (-?\d+)°$/) ?? [];
    return Math.abs(Number(far) - Math.hypot(dy, dx)) < 0.01 && Math.abs(Number(degrees) - (180 / Math.PI) * Math.atan2(dy, dx)) < 1;
  }, 10, async () => `a shift of ${dy}, ${dx}; it says "${await told()}"`);
  const hues = async () => (await shown(page, 0, NY, NX)).colours.flat().filter(([r, g, b]) => Math.max(r, g, b) - Math.min(r, g, b) > 25).length;
  await waitFor(async () => await hues() > NY * NX / 3, 10, 'directions to be hues');
});

test('a period of a map is a peak of its spectrum', async () => {
  const path = join(bench.directory, 'wave.npy');
  writeNpy(path, Array.from({ length: NY * NX }, (_, i) => 50 + Math.cos((2 * Math.PI * (i % NX)) / 8)), [NY, NX]);
  ctl(bench.daemon, 'put', 'wave', path);
  await turnTo(page, 0, 'wave');
  await page.getByRole('button', { name: 'FFT of map 1: power spectrum' }).click();
  await page.locator('.map-panel .image-base[data-product="spectrum:wave"]').waitFor();
  await pointAt(page, '.map-panel', { y: 16, x: 16 + 32 / 8 });
  await readoutIs(page, /nm⁻¹ {2}period 6.40 nm/);
  await page.getByRole('button', { name: 'FFT of map 1: power spectrum' }).click();
  await page.locator('.map-panel .image-base[data-product="wave"]').waitFor();
});

test('contrast is from the part of a map that is seen, when that is asked for', async () => {
  const path = join(bench.directory, 'ramp.npy');
  writeNpy(path, Array.from({ length: NY * NX }, (_, i) => i % NX), [NY, NX]);
  ctl(bench.daemon, 'put', 'ramp', path);
  await turnTo(page, 0, 'ramp');
  const high = async () => (await shown(page, 0, NY, NX)).limits?.[1];
  await waitFor(async () => await high() === NX - 1, 10, 'the contrast of the whole map');
  const left = await placeOf(page, '.map-panel', { y: 12, x: 0 });
  await page.mouse.move(left.x, left.y);
  for (let i = 0; i < 4; i++) await page.mouse.wheel(0, -400);
  assert.equal(await high(), NX - 1, 'colours do not change with zoom by themselves');
  await page.getByRole('button', { name: 'Map: contrast from the part in view' }).click();
  await waitFor(async () => await high() < NX / 2, 10, async () => `the contrast of the left; the upper limit is ${await high()}`);
  await page.mouse.dblclick(left.x + 60, left.y);
  await waitFor(async () => await high() === NX - 1, 10, 'the contrast of the whole map again');
  await page.getByRole('button', { name: 'Map: contrast from the part in view' }).click();
  await turnTo(page, 0, 'dark_field');
});

test('contrast that was set is kept through the next scan, and through a reload', async () => {
  const low = limitOf(page, 'low');
  await low.fill('120');
  await low.press('Enter');
  await waitFor(async () => (await shown(page, 0, NY, NX)).limits?.[0] === 120, 5, 'the limit that was typed');
  const { limits } = await shown(page, 0, NY, NX);
  await startScan(page, NY, NX);
  await stateIs(page, /receiving/);
  await stateIs(page, /^complete:/);
  await waitFor(async () => String((await shown(page, 0, NY, NX)).limits) === String(limits), 10, 'the same limits');
  await page.reload();
  await waitFor(async () => JSON.stringify((await shown(page, 0, NY, NX).catch(() => ({}))).limits) === JSON.stringify(limits), 10, 'the same limits after a reload');
});

test('a click on the map shows the pattern of this position, with its reflections', async () => {
  const { x, y } = await placeOf(page, '.map-panel', { y: 3, x: 4 });
  await page.mouse.click(x, y);
  await waitFor(async () => /y 3 {2}x 4.*1 pattern/.test(await page.locator('.note').textContent()), 10, async () => `the pattern; it says "${await page.locator('.note').textContent()}"`);
});

test('stop ends the scan when it is held, and tells so when it is only clicked', async () => {
  await startScan(page, 64, 64);
  await stateIs(page, /receiving/);
  const stop = page.getByRole('button', { name: 'Stop' });
  await stop.click();
  await page.locator('.toast', { hasText: 'Hold Stop down' }).waitFor();
  assert.match(await state(page), /receiving/);
  await stop.hover();
  await page.mouse.down();
  await stateIs(page, /stopped: \d/);
  await page.mouse.up();
  assert.equal(ctl(bench.daemon, 'status', '--json').run.reason, 'stopped');
});

test('a pattern that was asked for says that it is of another scan when a new one has begun', async () => {
  assert.match(await page.locator('.note').textContent(), /^of another scan:\ny 3 {2}x 4.*1 pattern/);
});

test('aligning puts no other button under the hand, and ends without alarm', async () => {
  const align = page.getByRole('button', { name: 'Align', exact: true });
  const place = await align.boundingBox();
  await align.click();
  await page.getByRole('button', { name: 'Record next pass' }).waitFor();
  assert.deepEqual(await align.boundingBox(), place);
  await stateIs(page, /^aligning –/);
  await page.getByRole('button', { name: 'Stop' }).hover();
  await page.mouse.down();
  await stateIs(page, /^aligning stopped/);
  await page.mouse.up();
  assert.equal(await page.locator('.state').getAttribute('data-tone'), 'idle');
});

test('no tool moves when one of them is chosen', async () => {
  const tools = page.locator('.maps-column .display-controls button');
  const places = () => tools.evaluateAll((all) => all.map((one) => JSON.stringify(one.getBoundingClientRect())));
  const before = await places();
  for (const name of ['a line', 'a rectangle', 'a line']) {
    await page.getByRole('button', { name: `Draw ${name}` }).click();
    assert.deepEqual(await places(), before, name);
  }
  await page.keyboard.press('Escape');
});

test('the page made no error', () => assert.deepEqual(bench.errors(), []));
