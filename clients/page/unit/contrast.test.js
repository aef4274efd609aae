import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Contrast, histogram, percentileLimits } from '../src/contrast.js';

const values = Float64Array.from({ length: 1000 }, (_, i) => (i * 7919) % 1000);

test('limits are percentiles of the values', () => {
  assert.deepEqual(percentileLimits(values, null, [0, 100]), [0, 999]);
  assert.deepEqual(percentileLimits(values, null, [10, 90]), [100, 899]);
});

test('a few hot pixels do not set the scale', () => {
  const hot = Float64Array.from(values);
  hot[5] = 1e9;
  assert.ok(percentileLimits(hot, null, [0, 99.8])[1] < 1000);
});

test('places that were not measured do not count', () => {
  const measured = Uint8Array.from(values, (v) => (v >= 500 ? 1 : 0));
  assert.deepEqual(percentileLimits(values, measured, [0, 100]), [500, 999]);
});

test('what is no number does not count', () => {
  assert.deepEqual(percentileLimits(Float64Array.of(NaN, 1, 2, Infinity), null, [0, 100]), [1, 2]);
});

test('limits of values that are all alike still differ', () => {
  const [low, high] = percentileLimits(Float64Array.of(5, 5, 5), null, [0, 100]);
  assert.equal(low, 5);
  assert.ok(high > low);
});

test('signed maps are shown evenly about zero or about their median', () => {
  assert.deepEqual(percentileLimits(Float64Array.of(-1, 0, 3), null, [0, 100], 'zero'), [-3, 3]);
  assert.deepEqual(percentileLimits(Float64Array.of(9, 10, 14), null, [0, 100], 'median'), [6, 14]);
});

test('always follows what comes', () => {
  const contrast = new Contrast({ auto: 'always', percent: [0, 100] });
  contrast.see(Float64Array.of(0, 1), null, null);
  contrast.see(Float64Array.of(0, 10), null, null);
  assert.deepEqual(contrast.limits, [0, 10]);
});

test('once takes the first limits and keeps them', () => {
  const contrast = new Contrast({ auto: 'once', percent: [0, 100] });
  contrast.see(Float64Array.of(), null, null);
  contrast.see(Float64Array.of(0, 1), null, null);
  contrast.see(Float64Array.of(0, 10), null, null);
  assert.deepEqual(contrast.limits, [0, 1]);
});

test('no frame resets what the operator has set', () => {
  const contrast = new Contrast({ auto: 'always', percent: [0, 100] });
  contrast.see(Float64Array.of(0, 1), null, null);
  contrast.setLimits(3, 2);
  assert.equal(contrast.see(Float64Array.of(0, 100), null, null), false);
  assert.deepEqual([contrast.limits, contrast.auto], [[2, 3], 'never']);
});

test('the histogram counts every measured value once', () => {
  const counts = histogram(Float64Array.of(-5, 0, 1, 9.9, 50, NaN), Uint8Array.of(1, 1, 1, 1, 1, 1), 0, 10, 10);
  assert.equal(counts.reduce((a, b) => a + b), 5);
  assert.deepEqual([counts[0], counts[1], counts[9]], [2, 1, 2]);
});
