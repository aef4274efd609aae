// Scan after scan leaves no memory behind in the page. $MERLIND_SOAK_SCANS: how many, twice. The long form, with the browser's and
// merlind's own memory, is ./bench.sh page memory.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench, ctl, runOf, state, waitFor } from './harness.mjs';
import { pageHolds } from './memory.mjs';

const SCANS = Number(process.env.MERLIND_SOAK_SCANS ?? 4);
const FIRST = 3; // until everything that is made once is there
// Of noise; a page that kept its maps would keep more bytes of a single scan, one that kept what it draws a node of each at least.
const MOST = { bytes: 300_000, nodes: SCANS, listeners: SCANS };
let bench;
let page;

before(async () => {
  bench = await Bench.make({ scan: '24x24', fps: 10000 });
  page = await bench.open();
});
after(async () => {
  await bench?.close();
});

async function scans(n) {
  for (let i = 0; i < n; i++) ctl(bench.daemon, 'start', '--scan', '24x24', '--wait');
  const { id } = ctl(bench.daemon, 'status', '--json').run;
  await waitFor(async () => await runOf(page) === id && /^complete: 576 of 576/.test(await state(page)), 15, 'the page to have the last scan');
}

test('the page takes no more memory after many scans than after a few', async () => {
  const cdp = await page.context().newCDPSession(page);
  await scans(FIRST);
  const held = [await pageHolds(cdp)];
  for (let round = 0; round < 2; round++) {
    await scans(SCANS);
    held.push(await pageHolds(cdp));
  }
  // What is left behind grows every time; what a browser keeps for itself now and then does not.
  for (const [what, most] of Object.entries(MOST)) {
    const grown = Math.min(held[1][what] - held[0][what], held[2][what] - held[1][what]);
    assert.ok(grown < most, `twice ${SCANS} scans left ${grown} ${what} behind at least, of ${held.map((one) => one[what])}`);
  }
});

test('the page made no error', () => assert.deepEqual(bench.errors(), []));
