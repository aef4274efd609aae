import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COLOUR_MAPS } from '../src/colours.js';
import { Contrast } from '../src/contrast.js';
import { joined, rowsInPass } from '../src/map_data.js';
import { directionWord, paint, paintDirections, scaledTable } from '../src/raster.js';
import { frameSides, saturatedPixels } from '../src/saturation_layer.js';
import { seenPart } from '../src/seen_part.js';

const grey = scaledTable(COLOUR_MAPS.grey.table, 'linear');

test('rows that are painted one after the other make the picture that is painted at once', () => {
  const data = Float64Array.from({ length: 12 }, (_, i) => (i * 5) % 12);
  const measured = Uint8Array.from(data, (v) => Number(v > 2));
  const [whole, parts] = [new Uint32Array(12), new Uint32Array(12)];
  paint(whole, data, measured, [0, 11], grey);
  for (const from of [0, 4, 8]) paint(parts, data, measured, [0, 11], grey, from, from + 4);
  assert.deepEqual(parts, whole);
});

test('of rows of several passes those of the pass that is shown are painted', () => {
  assert.deepEqual(rowsInPass([2, 3], 0, 4), [2, 2]);
  assert.deepEqual(rowsInPass([2, 3], 4, 4), [0, 1]);
  assert.equal(rowsInPass([2, 3], 8, 4)[1], 0);
  assert.deepEqual(joined([2, 3], [8, 1]), [2, 7]);
  assert.deepEqual([joined([0, 0], [8, 1]), joined([8, 1], [0, 0])], [[8, 1], [8, 1]]);
});

test('a direction has its hue, and is darker the less there is of it', () => {
  const { table } = COLOUR_MAPS.hue;
  assert.equal(directionWord(table, 0.25, 1), directionWord(table, -0.75, 2));
  assert.equal(directionWord(table, 0.25, 0), 0xff000000);
  const image = { data: Float64Array.of(0, 4, 4, NaN), angle: Float32Array.of(0, 0, 0.5, 0), measured: Uint8Array.of(1, 1, 1, 1) };
  const words = new Uint32Array(4);
  paintDirections(words, image, [0, 4], table, 'linear');
  assert.deepEqual([...words], [0xff000000, directionWord(table, 0, 1), directionWord(table, 0.5, 1), 0]);
  assert.notEqual(words[1], words[2]);
});

test('what is seen of a zoomed image is what its contrast may be taken from', () => {
  const image = { data: Float64Array.from({ length: 16 }, (_, i) => i), measured: null, shape: [4, 4] };
  const seen = (scale, x, y) => [...seenPart(image, { view: { scale, x, y }, root: { clientWidth: 40, clientHeight: 40 } }).data];
  assert.deepEqual(seen(10, 0, 0), [...image.data]);
  assert.deepEqual(seen(20, -40, 0), [2, 3, 6, 7]);
  assert.deepEqual(seen(20, -30, -40), [9, 10, 11, 13, 14, 15]);
  assert.deepEqual(seen(20, 100, 0), [...image.data], 'out of sight');
});

test('limits that follow move in steps that no eye sees, and depend on what is shown alone', () => {
  const follow = (...maps) => {
    const contrast = new Contrast({ percent: [0, 100] });
    maps.forEach((values) => contrast.see(Float64Array.from(values), null, null));
    return contrast.limits;
  };
  const [low, high] = follow([0.1, 1000.3]);
  assert.ok(low <= 0.1 && low > -2 && high >= 1000.3 && high < 1003);
  assert.deepEqual(follow([5, 2000], [0.1, 1000.3]), [low, high]);
  assert.deepEqual(follow([0.1, 1000.4]), [low, high]);
  const once = new Contrast({ auto: 'once', percent: [0, 100] });
  once.see(Float64Array.of(0.1, 1000.3), null, null);
  assert.deepEqual(once.limits, [0.1, 1000.3], 'taken once they are as they are');
});

test('saturated pixels are found and counted, all of them, and none where full scale is not known', () => {
  const data = Uint16Array.from({ length: 1000 }, (_, i) => (i % 2 ? 4095 : 4094));
  const { n, places } = saturatedPixels(data, 4095);
  assert.equal(n, 500);
  assert.deepEqual(places.slice(0, 3), [1, 3, 5]);
  assert.equal(saturatedPixels(data, null).n, 0);
});

test('saturated pixels side by side have one frame, which is closed at the border of the pattern', () => {
  const pattern = { data: Uint8Array.of(0, 9, 9, 0, 0, 0), shape: [2, 3] };
  const sides = frameSides(pattern, 9, [1, 2]);
  assert.deepEqual(sides, [[1, 0, -1, 0], [1, 0, 0, 1], [1, 0, 0, -1], [2, 0, 1, 0], [2, 0, 0, 1], [2, 0, 0, -1]]);
});
