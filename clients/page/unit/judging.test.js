import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askedRegions, compareRows, phaseInWords } from '../src/compare_form.js';
import { judge } from '../src/control.js';
import { controlInWords } from '../src/control_dialog.js';
import { passesOf } from '../src/map_data.js';
import { radialMean } from '../src/radial.js';
import { placesOf, ticksTo, withGrowing } from '../src/series_plot.js';
import { driftInWords } from '../src/words.js';

test('why one may not steer is told: no connection, no token, somebody else in control', () => {
  const all = { connection: { connected: true }, welcome: { may_control: true }, lease: null, mine: false };
  assert.deepEqual(judge(all), { may: true, reason: '' });
  assert.match(judge({ ...all, connection: { connected: false } }).reason, /cannot be reached/);
  assert.match(judge({ ...all, welcome: { may_control: false } }).reason, /token/);
  assert.deepEqual(judge({ ...all, lease: { name: 'Anna' } }), { may: false, reason: 'Anna holds control' });
  assert.equal(judge({ ...all, lease: { name: 'Anna' }, mine: true }).may, true);
  assert.match(controlInWords({ lease: { name: 'Anna', since: [0, 0], local: false }, mine: false }), /^Anna has held control since .* from another computer/);
});

test('a radial mean holds the pixels whose distance rounds to the ring', () => {
  const data = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const rings = radialMean(data, [3, 3], [1, 1]);
  assert.deepEqual([...rings], [4, (0 + 1 + 2 + 3 + 5 + 6 + 7 + 8) / 8]);
  assert.ok(Number.isNaN(radialMean([1, 1], [1, 2], [0, -3])[0]), 'a ring without a pixel has no mean');
});

test('regions that lie in the scan are asked for, by their numbers', () => {
  const regions = [{ y0: 0, x0: 0, y1: 1, x1: 1 }, { y0: 7, x0: 0, y1: 8, x1: 1 }, { y0: 1, x0: 1, y1: 5, x1: 9 }];
  assert.deepEqual(askedRegions(regions, [3, 3]), { regions: [[[0, 0, 2], [1, 0, 2]], [[1, 1, 3], [2, 1, 3]]], numbers: [1, 3] });
});

test('regions and both sides of a phase are rows of one table, and the test is a sentence', () => {
  const phase = { table: [[31, 72], [59, 94]], fraction_in: 0.301, fraction_outside: 0.386, odds_ratio: 0.69, odds_ratio_interval: [0.4, 1.17], test: 'fisher', p: 0.16, p_toroidal: 0.125, shifts: 255 };
  assert.deepEqual(compareRows({ areas: [{ label: 1, n: 60, none: 45, fraction: 0.25, wilson: [0.15, 0.37] }], phase }, [3]), [
    ['Region 3', '60', '15', '25.0 %', '15.0–37.0'], ['In the phase', '103', '31', '30.1 %', ''], ['Outside', '153', '59', '38.6 %', '']]);
  assert.equal(phaseInWords(phase), 'Odds ratio 0.69 (0.40–1.17); p = 0.13 by shifts of one map against the other; Fisher p = 0.16, as if patterns were independent.');
  assert.match(phaseInWords({ ...phase, shifts: 0, odds_ratio: null }), /^the scan is too small/);
});

test('fractions beside the plot of a series are round', () => {
  const percents = (top) => ticksTo(top).map((fraction) => Number((100 * fraction).toFixed(6)));
  assert.deepEqual(percents(0.54), [0, 25, 50]);
  assert.deepEqual(percents(0.32), [0, 10, 20, 30]);
  assert.deepEqual(percents(1), [0, 25, 50, 75, 100]);
});

test('the scan that goes on has its place among the values of the series', () => {
  const rows = withGrowing([{ value: '0' }, { value: '8' }], { value: '4', growing: true });
  assert.deepEqual(rows.map(({ value }) => value), ['0', '4', '8']);
  assert.deepEqual(placesOf(rows), [0, 0.5, 1]);
  assert.deepEqual(placesOf([{ value: 'left' }, { value: 'right' }]), [0, 1]);
});

test('a drift is told with its error, in nm where the step is known, or why there is none', () => {
  assert.equal(driftInWords({ found: true, drift: [3, -4], error: 0.1 }, 2), 'y +3.00  x −4.00 ± 0.10, 10 nm');
  assert.equal(driftInWords({ found: false, detail: 'the peak does not stand out' }, 2), 'the peak does not stand out');
});

test('maps with and without repeats are taken apart into passes', () => {
  const array = (shape) => ({ data: Uint8Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i), shape });
  const passes = passesOf({ data: array([2, 2, 3]), measured: array([2, 2, 3]) });
  assert.deepEqual(passes.map(({ data, shape }) => [[...data], shape]), [[[0, 1, 2, 3, 4, 5], [2, 3]], [[6, 7, 8, 9, 10, 11], [2, 3]]]);
  assert.equal(passesOf({ data: array([2, 3]), measured: array([2, 3]) }).length, 1);
});
