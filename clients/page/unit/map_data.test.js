import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beamPosition } from '../src/map_marks.js';
import { smallPicture } from '../src/live_card.js';
import { MapData } from '../src/map_data.js';
import { FractionHistory, inTime, thinned } from '../src/series.js';

const header = (more) => ({ scan: 'run', geometry: 1, shape: [3, 2], rows: [0, 3], key: true, t: [0, 0], ...more });
const rows = (data, measured) => ({ data: { data: Float64Array.from(data), units: 'counts' }, measured: { data: Uint8Array.from(measured) } });

test('rows are put into the map that was sent before', () => {
  const map = new MapData('x');
  map.take(header(), rows([1, 2, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0]));
  map.take(header({ key: false, rows: [1, 1] }), rows([3, 4], [1, 1]));
  assert.deepEqual([...map.data], [1, 2, 3, 4, 0, 0]);
  assert.deepEqual([...map.measured], [1, 1, 1, 1, 0, 0]);
});

test('rows of another run or another view do not belong to it', () => {
  const map = new MapData('x');
  map.take(header(), rows([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 1]));
  assert.equal(map.take(header({ key: false, geometry: 2, rows: [0, 1] }), rows([9, 9], [1, 1])), false);
  assert.equal(map.take(header({ key: false, scan: 'other', rows: [0, 1] }), rows([9, 9], [1, 1])), false);
  assert.deepEqual([...map.data], [1, 2, 3, 4, 5, 6]);
  assert.equal(map.take(header({ geometry: 2 }), rows([6, 5, 4, 3, 2, 1], [1, 1, 1, 1, 1, 1])), true);
  assert.equal(map.data[0], 6);
});

test('of several passes the newest with data is looked at', () => {
  const map = new MapData('x');
  map.take(header({ shape: [3, 1, 2] }), rows([1, 2, 3, 0, 0, 0], [1, 1, 1, 0, 0, 0]));
  assert.equal(map.newestPass(), 1);
  assert.deepEqual([...map.pass(1).data], [3, 0]);
});

test('the picture of a scan that is running has every so many positions, and none that was not measured', () => {
  const map = new MapData('x');
  const values = Array.from({ length: 12 }, (_, i) => i);
  map.take(header({ shape: [3, 4], rows: [0, 3] }), rows(values, values.map((v) => Number(v < 8))));
  const { thumbnail, plane } = smallPicture(map, 2);
  assert.deepEqual(thumbnail, { map: 'x', shape: [2, 2], low: 0, high: 7 });
  assert.deepEqual([...plane], [1, 1 + Math.round((254 * 2) / 7), 0, 0]);
  assert.equal(smallPicture(new MapData('empty'), 2), null);
});

test('the beam is where the scan has got to', () => {
  const measured = (list) => ({ measured: Uint8Array.from(list) });
  assert.deepEqual(beamPosition(measured([1, 1, 1, 1, 0, 0]), 2, 3, 'raster'), { y: 1, x: 0 });
  assert.deepEqual(beamPosition(measured([1, 1, 1, 0, 0, 1]), 2, 3, 'serpentine'), { y: 1, x: 2 });
  assert.equal(beamPosition(measured([1, 1, 1, 1, 1, 1]), 2, 3, 'raster'), null);
  assert.equal(beamPosition(measured([0, 0, 0, 0, 0, 0]), 2, 3, 'raster'), null);
});

test('values in time follow the way of the beam', () => {
  const pass = { data: Float64Array.of(1, 2, 3, 4), measured: Uint8Array.of(1, 1, 1, 1) };
  assert.deepEqual(inTime(pass, 2, 2, 'raster').values, [1, 2, 3, 4]);
  assert.deepEqual(inTime(pass, 2, 2, 'serpentine').values, [1, 2, 4, 3]);
  assert.deepEqual(thinned({ at: [0, 1, 2, 3], values: [1, 3, 5, 7] }, 2).values, [2, 6]);
});

test('the fraction begins anew with every run', () => {
  const history = new FractionHistory();
  const told = (run, n, fraction) => ({ run, n, headline: { fraction, interval: [0, 1] } });
  history.add(told('a', 10, 0.5));
  history.add(told('a', 20, 0.4));
  history.add(told('a', 20, 0.3));
  assert.deepEqual(history.points.map(({ n, fraction }) => [n, fraction]), [[10, 0.5], [20, 0.3]]);
  history.add(told('b', 5, 0.1));
  assert.equal(history.points.length, 1);
});
