import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, duration, rate, stateInWords, value } from '../src/words.js';

const said = (status, idle) => {
  const { word, text } = stateInWords({ why: '', ...status }, idle);
  return word + text;
};
const run = (more, frames) => ({ state: 'finished', reason: 'complete', cause: 'last_frame', detail: '', mode: 'active', frames: { expected: 65536, placed: 65536, ...frames }, ...more });

test('the state is told in words', () => {
  assert.equal(said({ state: 'armed' }), 'armed – waiting for first frame');
  assert.equal(said({ state: 'acquiring', run: run({ state: 'acquiring' }) }, 0.2), 'receiving');
  assert.equal(said({ state: 'acquiring', run: run({ state: 'acquiring' }, { received: 0 }) }, 3.2), 'waiting – for the first frame');
  assert.equal(said({ state: 'acquiring', run: run({ state: 'acquiring' }) }, 3.2), 'stalled 3.2 s – no frame has come since');
  assert.equal(said({ state: 'idle', run: run() }), 'complete: 65,536 of 65,536');
  assert.equal(said({ state: 'idle', run: run({ reason: 'short' }, { placed: 61234 }) }), 'ended short: 61,234 of 65,536');
  assert.equal(said({ state: 'disconnected', why: 'nobody listens' }), 'detector not connected – nobody listens');
  assert.equal(said({ state: 'idle', run: null }), 'idle – ready for a scan');
});

test('that a scan is not recorded is told first, while it goes on and when it is over', () => {
  const failed = { recording: { state: 'failed', error: 'cannot write to /d/a.h5: the disk is full; free space there or choose another recording.directory' } };
  const frames = { recorded: 712, received: 4096 };
  const words = ', not recorded: 712 of 4,096 patterns are on disk – Cannot write to a.h5: the disk is full; free space there or let recordings go to another directory';
  assert.equal(said({ state: 'acquiring', run: run({ state: 'acquiring', ...failed }, frames) }), `receiving${words}`);
  assert.equal(said({ state: 'idle', run: run(failed, frames) }), `complete${words}`);
  assert.equal(stateInWords({ state: 'idle', run: run(failed, frames) }).tone, 'bad');
  assert.equal(said({ state: 'disconnected', why: 'nobody listens', run: run(failed, frames) }), 'detector not connected – nobody listens');
});

test('that aligning was stopped is no alarm', () => {
  assert.equal(stateInWords({ state: 'idle', run: run({ mode: 'view', reason: 'stopped' }) }).tone, 'idle');
  assert.equal(stateInWords({ state: 'idle', run: run({ reason: 'stopped' }) }).tone, 'warn');
});

test('only a whole scan looks good', () => {
  assert.equal(stateInWords({ state: 'idle', run: run() }).tone, 'good');
  assert.equal(stateInWords({ state: 'idle', run: run({ reason: 'short' }) }).tone, 'warn');
  assert.equal(stateInWords({ state: 'fault', why: '' }).tone, 'bad');
});

test('numbers are short', () => {
  assert.equal(value(1234), '1,234');
  assert.equal(value(3.14159), '3.14');
  assert.equal(value(0.0001234), '1.23e-4');
  assert.equal(value(NaN), '–');
  assert.equal(bytes(36e6), '36 MB');
  assert.equal(bytes(1.5e9), '1.5 GB');
  assert.equal(duration(75), '75 s');
  assert.equal(duration(3600), '60 min');
  assert.equal(rate(23456), '23.5k');
});
