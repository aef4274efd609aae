import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contains, dragged, fresh, grown, handles, moved, outlineAt, radii, requestOf, SHAPES } from '../src/apertures.js';

const centre = [100, 120];
const ring = { name: 'halo', shape: 'annulus', centre, inner: 30, outer: 50 };
const near = (a, b) => assert.ok(Math.abs(a - b) < 0.06, `${a} is not ${b}`);

test('dragging a handle to where it is changes nothing', () => {
  for (const shape of SHAPES) {
    const detector = fresh(shape, shape, [256, 256], centre);
    for (const { name, y, x } of handles(detector, 0.1)) {
      const after = dragged(detector, name, { y, x }, 0.1);
      for (const handle of handles(after, 0.1)) {
        const before = handles(detector, 0.1).find((one) => one.name === handle.name);
        near(handle.y, before.y);
        near(handle.x, before.x);
      }
    }
  }
});

test('every handle follows the pointer', () => {
  assert.equal(dragged(ring, 'outer', { y: 100, x: 190 }).outer, 70);
  assert.equal(dragged(ring, 'inner', { y: 120, x: 120 }).inner, 20);
  assert.deepEqual(dragged(ring, 'centre', { y: 90.04, x: 80 }).centre, [90, 80]);
  const box = { name: 'b', shape: 'rectangle', centre, size: [10, 10] };
  assert.deepEqual(dragged(box, 'corner', { y: 110, x: 130 }).size, [20, 20]);
  const sector = { name: 's', shape: 'sector', centre, inner: 0, outer: 50, angles: [0, 90] };
  assert.deepEqual(dragged(sector, 'to', { y: 100, x: 20 }).angles, [0, 180]);
});

test('the inner radius stays within the outer one', () => {
  assert.equal(dragged(ring, 'inner', { y: 100, x: 300 }).inner, 49);
  assert.equal(dragged(ring, 'outer', { y: 100, x: 121 }).outer, 31);
});

test('a k band is dragged in its own units', () => {
  const band = { name: 'k', shape: 'k_band', centre, k_inner: 3, k_outer: 5 };
  assert.deepEqual(radii(band, 0.1).map(Math.round), [30, 50]);
  assert.equal(dragged(band, 'outer', { y: 100, x: 180 }, 0.1).k_outer, 6);
  assert.equal(radii(band, null), null);
});

test('moved and grown by keys', () => {
  assert.deepEqual(moved(ring, -1, 5).centre, [99, 125]);
  assert.equal(grown(ring, 5).outer, 55);
  assert.deepEqual(grown({ ...ring, shape: 'rectangle', size: [10, 12] }, 1).size, [12, 14]);
});

test('a place is inside as the detector counts it', () => {
  assert.ok(contains(ring, { y: 100, x: 160 }));
  assert.ok(!contains(ring, { y: 100, x: 140 }));
  const sector = { ...ring, shape: 'sector', angles: [-45, 45] };
  assert.ok(contains(sector, { y: 100, x: 160 }));
  assert.ok(!contains(sector, { y: 140, x: 120 }));
});

test('only what may be asked for is asked for', () => {
  assert.deepEqual(requestOf({ ...ring, saturation: {}, version: 3 }), ring);
});

test('an outline is taken hold of anywhere: a ring to resize it, a rectangle to move it', () => {
  assert.deepEqual(outlineAt(ring, { y: 100, x: 168 }, 4), { handle: 'outer', y: 100, x: 170 });
  assert.deepEqual(outlineAt(ring, { y: 128, x: 120 }, 4), { handle: 'inner', y: 130, x: 120 });
  assert.equal(outlineAt(ring, { y: 100, x: 160 }, 4), null);
  const sector = { name: 's', shape: 'sector', centre, inner: 0, outer: 50, angles: [0, 90] };
  assert.equal(outlineAt(sector, { y: 100, x: 71 }, 4), null);
  assert.equal(outlineAt(sector, { y: 149, x: 121 }, 4).handle, 'outer');
  const box = { name: 'b', shape: 'rectangle', centre, size: [10, 20] };
  assert.equal(outlineAt(box, { y: 105, x: 125 }, 2).handle, 'whole');
  assert.equal(outlineAt(box, { y: 100, x: 120 }, 2), null);
});
