import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { circleThrough } from '../src/circle.js';
import { npy } from '../src/npy.js';
import { areaOf } from '../src/region_pattern.js';
import { parseLabels } from '../src/scan_labels.js';
import { roundLength } from '../src/scale_bar.js';

test('numpy reads what was saved', () => {
  const place = mkdtempSync(join(tmpdir(), 'page-'));
  const path = join(place, 'map.npy');
  writeFileSync(path, npy(Float64Array.of(1, 2.5, 3, 4, 5, 6), Uint8Array.of(1, 1, 1, 1, 1, 0), [2, 3]));
  const told = execFileSync('/usr/bin/python3', ['-c', 'import sys, numpy; a = numpy.load(sys.argv[1]); print(a.dtype, a.tolist())', path]);
  assert.equal(String(told).trim(), 'float64 [[1.0, 2.5, 3.0], [4.0, 5.0, nan]]');
  rmSync(place, { recursive: true });
});

test('labels are numbers where they are numbers', () => {
  assert.deepEqual(parseLabels('strain = 8, region= left '), { strain: 8, region: 'left' });
  assert.deepEqual(parseLabels(''), {});
  assert.throws(() => parseLabels('strain'), /strain/);
});

test('an area has its borders in it', () => {
  assert.deepEqual(areaOf({ y0: 1, x0: 0, y1: 2, x1: 1 }), [1, 0, 3, 2]);
});

test('the circle through three clicks', () => {
  const { centre, radius } = circleThrough([{ y: 10, x: 15 }, { y: 15, x: 10 }, { y: 5, x: 10 }]);
  assert.deepEqual([...centre, radius].map((v) => Number(v.toFixed(6))), [10, 10, 5]);
  assert.equal(circleThrough([{ y: 0, x: 0 }, { y: 1, x: 1 }, { y: 2, x: 2 }]), null);
});

test('scale bars have round lengths', () => {
  assert.equal(roundLength(76.8), 10);
  assert.equal(roundLength(100), 20);
  assert.equal(roundLength(3), 0.5);
});
