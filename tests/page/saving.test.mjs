import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Bench, ctl, h5, mapOf, patience, readNpy, startScan, stateIs, turnTo, waitFor } from './harness.mjs';

let bench;
let page;

before(async () => {
  bench = await Bench.make({ scan: '16x24', fps: 1000 });
  page = await bench.open();
  await page.keyboard.press('1');
  await startScan(page, 16, 24);
  await stateIs(page, /^complete:/);
  await turnTo(page, 0, 'dark_field');
});
after(async () => {
  await bench?.close();
});

/** The files that the page saves meanwhile, by the end of their names. */
async function saved(work, wanted = ['png', 'npy', 'json']) {
  const files = {};
  const take = async (download) => {
    const path = join(bench.directory, download.suggestedFilename());
    await download.saveAs(path);
    files[path.slice(path.lastIndexOf('.') + 1)] = path;
  };
  page.on('download', take);
  await work();
  await waitFor(() => wanted.every((ending) => files[ending]), 15, () => `files ${wanted}: ${Object.values(files)}`);
  page.off('download', take);
  return files;
}

test('a snapshot is a picture, the raw values, and how it was shown', async () => {
  const files = await saved(() => page.keyboard.press('p'));
  assert.deepEqual(readNpy(files.npy), mapOf(bench.daemon, bench.directory, 'dark_field'));
  const about = JSON.parse(readFileSync(files.json, 'utf8'));
  assert.deepEqual([about.product, about.shape, about.units, about.run], ['dark_field', [16, 24], 'counts', ctl(bench.daemon, 'status', '--json').run.id]);
  assert.equal(about.shown.limits.length, 2);
  assert.equal(readFileSync(files.png).toString('latin1', 1, 4), 'PNG');
});

test('a figure for a talk is an SVG and a PNG, with a scale bar in nm and the colours\' values', async () => {
  const files = await saved(() => page.keyboard.press('f'), ['svg', 'png']);
  const svg = readFileSync(files.svg, 'utf8');
  assert.match(svg, />dark field<.*data:image\/png.*>\d+ nm<.*>counts</s);
  assert.equal(readFileSync(files.png).toString('latin1', 1, 4), 'PNG');
  assert.ok(readFileSync(files.png).readUInt32BE(16) > 1000, 'wide enough for a slide');
});

test('a note is in the file of the next scan, with its author', async () => {
  const first = ctl(bench.daemon, 'status', '--json').run.file;
  await page.keyboard.press('n');
  await page.getByRole('textbox', { name: 'Note' }).fill('condenser moved');
  await page.getByLabel('Your name').fill('Anna');
  await page.getByRole('textbox', { name: 'Note' }).press('Enter');
  await waitFor(async () => /Noted/.test(await page.locator('.toasts').textContent()), 10, 'the note to be taken');
  await startScan(page, 16, 24);
  const file = await waitFor(() => {
    const { run } = ctl(bench.daemon, 'status', '--json');
    return run.file !== first && run.state === 'finished' && run.file;
  }, 30, 'the next scan');
  assert.match(h5(file, "f['/entry/notes/text'][:], f['/entry/notes/author'][:]"), /condenser moved.*Anna/s);
});

test('the summary of a run is one page with its counts, its table and its figures', async () => {
  await page.locator('#tab-bragg').click();
  await page.locator('.bragg-table').waitFor({ timeout: patience(20) });
  await page.getByRole('button', { name: 'Summary' }).click();
  const text = () => page.getByRole('dialog').textContent();
  for (const part of [/Complete: 384 of 384/, /two-beam\d+/]) await waitFor(async () => part.test(await text()), 15, async () => `${part} in the summary: ${await text()}`);
  await waitFor(async () => await page.locator('.figures figure').count() === 2, 15, 'two figures');
  await page.emulateMedia({ media: 'print' });
  const pdf = await page.pdf({ format: 'A4' });
  assert.equal(pdf.toString('latin1').match(/\/Type \/Page\b/g).length, 1);
  await page.emulateMedia({ media: 'screen' });
  await page.getByRole('button', { name: 'Close' }).click();
});

test('a recording is discarded, and taken back', async () => {
  const fate = () => ctl(bench.daemon, 'status', '--json').run.recording.fate;
  await page.locator('#tab-scan').click();
  await page.getByRole('button', { name: 'Discard' }).click();
  await waitFor(() => fate() === 'discard', 10, 'the recording to be discarded');
  await waitFor(async () => /\.h5, discarded/.test(await page.locator('#panel-scan').textContent()), 10, 'it to be told');
  await page.getByRole('button', { name: 'Keep' }).click();
  await waitFor(() => fate() === 'keep', 10, 'the recording to be kept');
});

test('the page made no error', () => assert.deepEqual(bench.errors(), []));
