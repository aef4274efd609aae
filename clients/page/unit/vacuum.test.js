import assert from 'node:assert/strict';
import { test } from 'node:test';
import { descanInWords, vacuumRows } from '../src/vacuum_form.js';

const vacuum = {
  centre: [128.004, 127.5], radius_px: 21.234, radius_error_px: 0.056, radius_mrad: 6.321, axis_ratio: 1.02, axis_ratio_error: 0.003, edge_width_px: 1.2, edge_width_error_px: 0.05,
  counts_per_electron: 1.0345, counts_per_electron_error: 0.02, descan: { shape: [11, 21], y: [128, 0.21, 0.01], x: [127, -0.02, 0.1] },
};

test('a vacuum reference is told with radius in pixels and mrad, descan and counts per electron', () => {
  const rows = Object.fromEntries(vacuumRows(vacuum));
  assert.equal(rows.Radius, '21.23 ± 0.06 px, 6.32 mrad');
  assert.equal(rows.Roundness, '0.980 ± 0.003');
  assert.equal(rows.Descan, 'y +2.10  x −0.20 px down the scan, y +0.20  x +2.00 px across it');
  assert.equal(rows['Counts per e⁻'], '1.034 ± 0.020');
});

test('what is missing for a value is told in its place', () => {
  const rows = Object.fromEntries(vacuumRows({ ...vacuum, radius_mrad: null, counts_per_electron: null, descan: null }));
  assert.match(rows.Radius, /needs Voltage, Pixel size/);
  assert.match(rows['Counts per e⁻'], /beam current/);
  assert.equal(descanInWords(null), rows.Descan);
});
