import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawnRegion, regionInWords, spansOf } from '../src/regions.js';

const at = (y, x) => ({ y, x });
const SCAN = [6, 8];

test('a drag draws a rectangle with its borders, whichever way it goes, and stays within the scan', () => {
  const region = drawnRegion('rectangle', [at(3.2, 9), at(1.4, 5.6)], SCAN);
  assert.deepEqual(region, { y0: 1, x0: 6, y1: 3, x1: 7 });
  assert.deepEqual(spansOf(region, SCAN), [[1, 6, 8], [2, 6, 8], [3, 6, 8]]);
  assert.equal(regionInWords(region), 'y 1–3, x 6–7');
});

test('a disk is drawn from its centre and holds the positions that are no further away than its radius', () => {
  const region = drawnRegion('disk', [at(2, 3), at(2, 4.5), at(3.5, 3)], SCAN);
  assert.deepEqual(region, { centre: at(2, 3), radius: 1.5 });
  assert.deepEqual(spansOf(region, SCAN), [[1, 2, 5], [2, 2, 5], [3, 2, 5]]);
  assert.deepEqual(spansOf({ centre: at(0, 0), radius: 1 }, SCAN), [[0, 0, 2], [1, 0, 1]]);
});

test('an outline holds what lies in it; of one that is hollow a line is in two parts', () => {
  const u = [at(-0.5, -0.5), at(-0.5, 1.5), at(3.5, 1.5), at(3.5, 3.5), at(-0.5, 3.5), at(-0.5, 5.5), at(5.5, 5.5), at(5.5, -0.5)];
  const spans = spansOf(drawnRegion('outline', u, SCAN), SCAN);
  assert.deepEqual(spans.slice(0, 2), [[0, 0, 2], [0, 4, 6]]);
  assert.deepEqual(spans.slice(-2), [[4, 0, 6], [5, 0, 6]]);
});

test('what holds no position is no region', () => {
  assert.equal(drawnRegion('outline', [at(1.2, 1.2), at(1.2, 1.4), at(1.4, 1.3)], SCAN), null);
  assert.equal(drawnRegion('outline', [at(1, 1)], SCAN), null);
});
