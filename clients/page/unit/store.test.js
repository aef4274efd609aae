import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Store } from '../src/store.js';

const summary = (store, run) => store.take({ topic: 'bragg/summary/', header: { run }, arrays: {} });

test('statistics are those of the newest run, whichever comes first', () => {
  const store = new Store();
  summary(store, 'a');
  assert.equal(store.bragg, null);
  store.setRun({ id: 'a' });
  assert.equal(store.bragg.run, 'a');
  store.setRun({ id: 'b' });
  summary(store, 'a');
  assert.equal(store.bragg, null, 'the last of the run before came after the new one had begun');
  summary(store, 'b');
  assert.equal(store.bragg.run, 'b');
  store.setRun(null);
  assert.equal(store.bragg, null, 'merlind has begun anew');
});
