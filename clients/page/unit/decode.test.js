import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, partsOf } from '../src/decode.js';

const padding = (n) => (8 - (n % 8)) % 8;

// As schemas/page.md frames a message, written apart from the code under test.
function framed(...parts) {
  const bytes = parts.map((part) => (typeof part === 'string' ? new TextEncoder().encode(part) : new Uint8Array(part.buffer)));
  const head = new Uint32Array([bytes.length, ...bytes.map((part) => part.length)]);
  const chunks = [new Uint8Array(head.buffer), new Uint8Array(padding(head.byteLength))];
  for (const part of bytes) chunks.push(part, new Uint8Array(padding(part.length)));
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole.buffer;
}

const part = (name, dtype, shape, nbytes) => ({ name, dtype, shape, dims: [], units: 'counts', nbytes, encoding: 'raw' });

test('a published map comes out with its topic, header and arrays', () => {
  const header = { scan: 'x', parts: [part('data', '<u8', [1, 3], 24), part('measured', '|u1', [1, 3], 3)] };
  const counts = new BigUint64Array([0n, 7n, 5000000000n]);
  const message = decode(framed('map/haadf/', JSON.stringify(header), counts, new Uint8Array([0, 1, 1])));
  assert.equal(message.topic, 'map/haadf/');
  assert.deepEqual([...message.arrays.data.data], [0, 7, 5000000000]);
  assert.deepEqual([...message.arrays.measured.data], [0, 1, 1]);
});

test('signed 64-bit numbers keep their sign', () => {
  const header = { parts: [part('position', '<i8', [2], 16)] };
  const { arrays } = decode(framed('bragg/rows/', JSON.stringify(header), new BigInt64Array([-1n, 12n])));
  assert.deepEqual([...arrays.position.data], [-1, 12]);
});

test('a reply with arrays is described by its result', () => {
  const reply = { id: 3, ok: true, result: { parts: [part('sum', '<f8', [2], 16)] } };
  const { topic, header, arrays } = decode(framed('reply/', JSON.stringify(reply), new Float64Array([1.5, -2])));
  assert.equal(topic, 'reply/');
  assert.equal(header.id, 3);
  assert.deepEqual([...arrays.sum.data], [1.5, -2]);
});

test('every part begins at a multiple of eight, whatever the lengths before it', () => {
  for (let n = 1; n < 20; n++) {
    const parts = partsOf(framed('a'.repeat(n), '{}', new Float64Array(1)));
    assert.deepEqual(parts.map(({ offset }) => offset % 8), [0, 0, 0]);
  }
});

test('a message that was cut is refused', () => {
  const whole = framed('map/haadf/', '{"parts": []}');
  assert.throws(() => decode(whole.slice(0, 24)), /shorter/);
});

test('a part of another size than described is refused', () => {
  const header = { parts: [part('data', '<f8', [2], 16)] };
  assert.throws(() => decode(framed('map/x/', JSON.stringify(header), new Float64Array(1))), /not what its header says/);
});

test('arrays of an unknown encoding are refused', () => {
  const header = { parts: [{ ...part('data', '<f8', [1], 8), encoding: 'zip' }] };
  assert.throws(() => decode(framed('map/x/', JSON.stringify(header), new Float64Array(1))), /encoded as zip/);
});
