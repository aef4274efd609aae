import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median } from '../src/contrast.js';
import { derivedImage, hasSpectrum, isThere, offered, shifts, sourcesOf, turned } from '../src/derived_maps.js';
import { title } from '../src/products.js';
import { powerSpectrum, transform } from '../src/spectrum.js';

const pass = (values) => ({ data: Float64Array.from(values), measured: new Uint8Array(values.length).fill(1) });

test('the transform is the sum that defines it', () => {
  const [re, im] = [Float64Array.of(1, 2, -3, 5, 0, 4, 4, -1), Float64Array.of(0, 1, 0, -2, 3, 0, 1, 1)];
  const expected = Array.from({ length: 8 }, (_, k) => {
    let [x, y] = [0, 0];
    re.forEach((a, j) => {
      const [c, s] = [Math.cos((-2 * Math.PI * j * k) / 8), Math.sin((-2 * Math.PI * j * k) / 8)];
      x += a * c - im[j] * s;
      y += a * s + im[j] * c;
    });
    return [x, y];
  });
  transform(re, im);
  expected.forEach(([x, y], k) => assert.ok(Math.hypot(re[k] - x, im[k] - y) < 1e-12));
});

test('a wave of a map is a pair of peaks at its frequency, whatever the shape of the scan', () => {
  const [ny, nx] = [24, 40];
  const wave = Array.from({ length: ny * nx }, (_, i) => 100 + Math.cos((2 * Math.PI * (i % nx)) / 8) + 1e-3 * Math.floor(i / nx));
  const { power, side } = powerSpectrum(...Object.values(pass(wave)), [ny, nx]);
  assert.equal(side, 64);
  const peak = power.indexOf(1);
  assert.deepEqual([Math.floor(peak / side), Math.abs((peak % side) - 32)], [32, 8]);
  assert.ok(power[32 * side + 32] < 1e-3, 'the mean of the map is not in it');
});

test('positions that were not measured are no step in the spectrum', () => {
  const values = pass(Array.from({ length: 64 }, () => 7));
  values.measured.fill(0, 32);
  values.data.fill(NaN, 32);
  assert.ok(powerSpectrum(values.data, values.measured, [8, 8]).power.every((v) => v === 0));
});

test('directions are away from the median, +x is no turn and +y a quarter', () => {
  const { data, angle, measured } = shifts(pass([5, 5, 5, 5, 8]), pass([2, 2, 4, 0, 2]));
  assert.deepEqual([...data], [0, 0, 2, 2, 3]);
  assert.deepEqual([...angle].slice(2), [0, 0.5, 0.25]);
  assert.ok(measured.every((one) => one === 1));
  assert.ok(Number.isNaN(median(Float64Array.of(1), Uint8Array.of(0))));
});

test('DPC is offered beside both of its maps, and a spectrum of every map of numbers', () => {
  const names = ['haadf', 'com_y', 'com_x', 'counter1/com_x', 'bragg/class'];
  assert.deepEqual(offered(names), ['haadf', 'com_y', 'com_x', 'dpc:com', 'counter1/com_x', 'bragg/class']);
  assert.deepEqual(sourcesOf('dpc:counter1/com'), ['counter1/com_y', 'counter1/com_x']);
  assert.deepEqual([isThere(names, 'dpc:com'), isThere(names, 'dpc:counter1/com'), isThere(names, turned('haadf'))], [true, false, true]);
  assert.deepEqual([hasSpectrum('haadf'), hasSpectrum('bragg/class'), hasSpectrum('dpc:com')], [true, false, false]);
  assert.equal(turned(turned('haadf')), 'haadf');
  assert.deepEqual(['dpc:com', 'dpc:counter1/com', turned('dark_field')].map(title), ['DPC', 'counter1/DPC', 'dark field, spectrum']);
});

test('a map of merlind is itself', () => {
  assert.deepEqual(derivedImage('haadf', [pass([1, 2])], [1, 2], 'counts'), { ...pass([1, 2]), shape: [1, 2], units: 'counts' });
});
