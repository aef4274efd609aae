// Scan after scan leaves no memory behind in the page. $MERLIND_SOAK_SCANS: how many, twice, for a whole night of them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench, ctl } from './harness.mjs';

const SCANS = Number(process.env.MERLIND_SOAK_SCANS ?? 4);
const FIRST = 3; // until everything that is made once is there
const MOST_BYTES = 300_000; // of noise; a page that kept its maps would keep more of a single scan
let bench;
let page;

before(async () => {
  bench = await Bench.make({ scan: '24x24', fps: 10000 });
  page = await bench.open();
});
after(async () => {
  await bench?.close();
});

/** Bytes in use after the collector has run, buffers of arrays included. */
async function used(cdp) {
  await cdp.send('HeapProfiler.collectGarbage');
  const { usedSize, backingStorageSize = 0 } = await cdp.send('Runtime.getHeapUsage');
  return usedSize + backingStorageSize;
}

async function scans(n) {
  for (let i = 0; i < n; i++) ctl(bench.daemon, 'start', '--scan', '24x24', '--wait');
  // The page has the last one when it says so.
  await page.waitForFunction(() => /^complete: 576 of 576/.test(document.querySelector('.state').textContent));
}

test('the page takes no more memory after many scans than after a few', async () => {
  const cdp = await page.context().newCDPSession(page);
  await scans(FIRST);
  const bytes = [await used(cdp)];
  for (let round = 0; round < 2; round++) {
    await scans(SCANS);
    bytes.push(await used(cdp));
  }
  // What is left behind grows every time; what a browser keeps for itself now and then does not.
  const grown = Math.min(bytes[1] - bytes[0], bytes[2] - bytes[1]);
  assert.ok(grown < MOST_BYTES, `twice ${SCANS} scans left ${grown} bytes behind at least, of ${bytes}`);
});

test('the page made no error', () => assert.deepEqual(bench.errors(), []));
