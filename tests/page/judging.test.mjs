import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench, ctl, startScan, stateIs, waitFor } from './harness.mjs';

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
  assert.match(await rows.nth(1).textContent(), /^81400\d\d\.\d %/);
  assert.equal(await page.locator('.series .dot').count(), 2);
  await page.getByRole('button', { name: 'Close' }).last().click();
});

test('fifty patterns are labelled blind by keys, and held against the classifier', async () => {
  await waitFor(async () => page.getByRole('button', { name: 'Label blind' }).isEnabled(), 15, 'the classes to be final');
  await page.getByRole('button', { name: 'Label blind' }).click();
  for (let i = 1; i <= 50; i++) {
    await waitFor(async () => (await page.locator('.blind [role=status]').textContent()) === `${i} of 50`, 15, `pattern ${i}`);
    if (i === 3) {
      await page.keyboard.press('Backspace');
      await waitFor(async () => (await page.locator('.blind [role=status]').textContent()) === '2 of 50', 5, 'the pattern before');
      i = 2;
      await page.waitForTimeout(100);
      await page.keyboard.press('2');
      await waitFor(async () => (await page.locator('.blind [role=status]').textContent()) === '3 of 50', 5, 'the third again');
      i = 3;
    }
    await waitFor(async () => {
      await page.keyboard.press('0');
      return (await page.locator('.blind [role=status]').textContent()) !== `${i} of 50`;
    }, 15, 'the next one');
  }
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
  const stop = await page.getByRole('button', { name: 'Stop' }).boundingBox();
  await page.mouse.move(stop.x + 10, stop.y + 10);
  await page.mouse.down();
  await stateIs(page, /^stopped/);
  await page.mouse.up();
});

test('the page made no error', () => assert.deepEqual(bench.errors(), []));
