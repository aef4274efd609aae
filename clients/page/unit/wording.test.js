import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inOperatorsWords } from '../src/wording.js';

test('what merlind refuses is told by the names of the fields on the page', () => {
  for (const [said, shown] of [
    ["'radius' must be a number from 0 to 100000, not '-3'", "Radius must be a number from 0 to 100000, not '-3'"],
    ['k_outer (3) is smaller than k_inner (4): no pixel would belong', 'Outer (3) is smaller than Inner (4): no pixel would belong'],
    ['outer (40) is smaller than inner (50): no pixel would belong', 'Outer (40) is smaller than inner (50): no pixel would belong'],
    ['ACQUISITIONTIME must be a number, 0.001 to 1000000000 ms, not "-3"', 'Exposure must be a number, 0.001 to 1000000000 ms, not "-3"'],
    ['scan must be [ny, nx], each a whole number from 1 to 65536', 'Lines and Positions must each be a whole number from 1 to 65536'],
    ['kv must be a number from 1 to 10000', 'Voltage must be a number from 1 to 10000'],
    ['alpha must be a number from 0 to 1', 'False alarms must be a number from 0 to 1'],
    ['bragg.annulus: 50 is more than 20', 'Ring: 50 is more than 20'],
  ]) assert.equal(inOperatorsWords(said), shown);
});

test('where merlind names a request as the remedy, the place on the page is named', () => {
  assert.equal(
    inOperatorsWords('not known: kV, camera length, convergence angle (disk_radius_px), beam current; tell them with calibration, or the current as it changes with samples_put of beam_current'),
    'Not known: kV, camera length, convergence angle (from the disk radius), beam current. Type them in the tab Instrument, else angles and doses of this scan cannot be told');
  assert.match(inOperatorsWords('no view is going on whose next pass could be recorded: start one, with mode "view" (merlinctl view)'), /: press Align in the tab Scan first$/);
  assert.match(inOperatorsWords('no scan with Bragg reflections was finished that has the label strain: give labels with start'), /type one into Labels in the tab Scan/);
});

test('files, and words that only look like names, stay as they are', () => {
  assert.equal(inOperatorsWords('/data/kv/scan_step.h5 cannot be written: the disk is full'), '/data/kv/scan_step.h5 cannot be written: the disk is full');
  assert.equal(inOperatorsWords('the radius of the disk is not known'), 'The radius of the disk is not known');
});
