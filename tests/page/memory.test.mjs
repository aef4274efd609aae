// Scan after scan leaves no memory behind in the page. $MERLIND_SOAK_SCANS: how many, for a whole night of them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench, ctl } from './harness.mjs';

const SCANS = Number(process.env.MERLIND_SOAK_SCANS ?? 6);
const FIRST = 3; // until everything that is made once is there
const MOST_BYTES = 400_000; // of noise; a page that kept its maps would keep more of a single scan
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
  const before = await used(cdp);
  await scans(SCANS);
  const grown = await used(cdp) - before;
  assert.ok(grown < MOST_BYTES, `${SCANS} scans left ${grown} bytes behind, of ${before}`);
});

test('the page made no error', () => assert.deepEqual(bench.errors(), []));
