import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureDisk, RunningMean } from '../src/disk_measure.js';

// A disk of `radius` with a straight edge `width` wide (from full to nothing), stretched along y.
function disk({ cy = 60, cx = 66, radius = 15, width = 1, stretch = 1, height = 100 }) {
  const data = new Float64Array(128 * 128);
  for (let y = 0; y < 128; y++) {
    for (let x = 0; x < 128; x++) {
      const away = Math.hypot((y - cy) / stretch, x - cx);
      data[y * 128 + x] = height * Math.min(1, Math.max(0, (radius + width / 2 - away) / width));
    }
  }
  return data;
}

const near = (a, b, by) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b} by ${by}`);

test('centre and radius of the disk are found', () => {
  const found = measureDisk(disk({}), [128, 128]);
  near(found.centre[0], 60, 0.1);
  near(found.centre[1], 66, 0.1);
  near(found.radius, 15, 0.2);
  near(found.plateau, 100, 1);
  near(found.roundness, 1, 0.02);
});

test('the edge is as wide as it was made', () => {
  near(measureDisk(disk({ width: 10, radius: 25 }), [128, 128]).edge, 8, 0.7);
  assert.ok(measureDisk(disk({ width: 1, radius: 25 }), [128, 128]).edge < 1.5);
});

test('a stretched disk is told from a round one', () => {
  near(measureDisk(disk({ stretch: 1.2 }), [128, 128]).roundness, 1 / 1.2, 0.02);
});

test('a hot pixel is not the disk', () => {
  const data = disk({});
  data[10 * 128 + 10] = 500;
  const found = measureDisk(data, [128, 128]);
  near(found.centre[0], 60, 0.1);
  assert.equal(found.peak, 500);
});

test('in an empty pattern there is none', () => {
  assert.equal(measureDisk(new Float64Array(64), [8, 8]), null);
});

test('the running mean follows what comes', () => {
  const mean = new RunningMean(2);
  mean.add([0, 4], [1, 2]);
  assert.deepEqual([...mean.add([2, 0], [1, 2])], [1, 2]);
  assert.deepEqual([...mean.add([7], [1, 1])], [7]);
});
