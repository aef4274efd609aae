import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curveOf, periodInWords } from '../src/line_profile.js';
import { drawnLine } from '../src/map_line.js';
import { shortUnits, withError } from '../src/words.js';

test('a line goes from where the drag began to where it ended, within the map; too short, it is none', () => {
  const path = [{ y: 1.04, x: -0.3 }, { y: 9, x: 9 }, { y: 7.9, x: 4.26 }];
  assert.deepEqual(drawnLine(path, [6, 8]), { from: { y: 1, x: 0 }, to: { y: 5, x: 4.3 } });
  assert.equal(drawnLine([{ y: 1, x: 1 }, { y: 1.5, x: 1.5 }], [6, 8]), null);
});

test('the curve is in nm, with a standard error on either side; what was not measured, or has no error, is a gap', () => {
  const [at, values, low, high] = curveOf({ spacing: 0.5 }, { profile: { data: Float64Array.of(4, NaN, 6) }, error: { data: Float64Array.of(1, NaN, NaN) } }, 2);
  assert.deepEqual(at, [0, 1, 2]);
  assert.deepEqual(values, [4, null, 6]);
  assert.deepEqual([low, high], [[3, null, null], [5, null, null]]);
});

test('a period is told with its error, in the length of a position', () => {
  assert.equal(periodInWords({ period: { value: 5.3, error: 0.21 } }, { size: 1, name: 'positions' }), 'period 5.3 ± 0.2 positions');
  assert.equal(periodInWords({ period: { value: 5.3, error: 0.21 } }, { size: 0.8, name: 'nm' }), 'period 4.24 ± 0.17 nm');
  assert.equal(periodInWords({ period: { value: 5.3, error: null } }, { size: 1, name: 'positions' }), 'period 5.30 positions');
  assert.equal(periodInWords({ period: null }, { size: 1, name: 'positions' }), 'no period found');
});

test('errors are written to the digit that they tell, units in few letters', () => {
  assert.deepEqual([[123.4, 20], [123.4, 1.2], [0.01234, 0.0003], [5, 0.0196]].map(([v, error]) => withError(v, error)), ['123 ± 20', '123.4 ± 1.2', '0.0123 ± 0.0003', '5.00 ± 0.02']);
  assert.deepEqual(['counts', 'counts/pixel', 'nm', ''].map(shortUnits), ['cts', 'cts/px', 'nm', '']);
});
