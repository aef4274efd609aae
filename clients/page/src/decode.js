// A binary message of the web server into topic, JSON header and arrays; schemas/page.md says how it is framed.

const ALIGNMENT = 8;
const text = new TextDecoder();

const TYPES = {
  '|u1': Uint8Array, '|i1': Int8Array, '<u2': Uint16Array, '<i2': Int16Array, '<u4': Uint32Array, '<i4': Int32Array,
  '<f4': Float32Array, '<f8': Float64Array,
};

// 64-bit integers as doubles: counts stay below 2^53. Pairs of words are several times faster than BigInt.
function doublesOf64Bits(buffer, offset, length, signed) {
  const words = new Uint32Array(buffer, offset, 2 * length);
  const high = signed ? new Int32Array(buffer, offset, 2 * length) : words;
  const out = new Float64Array(length);
  for (let i = 0; i < length; i++) out[i] = words[2 * i] + high[2 * i + 1] * 4294967296;
  return out;
}

function elements(buffer, offset, nbytes, dtype) {
  if (dtype === '<u8' || dtype === '<i8') return doublesOf64Bits(buffer, offset, nbytes / 8, dtype === '<i8');
  const Type = TYPES[dtype];
  if (!Type) throw new Error(`arrays of type ${dtype} are not known`);
  return new Type(buffer, offset, nbytes / Type.BYTES_PER_ELEMENT);
}

const padded = (n) => Math.ceil(n / ALIGNMENT) * ALIGNMENT;

/** Where each part of a message lies: [{offset, nbytes}]. Throws when the message is shorter than it says. */
export function partsOf(buffer) {
  const view = new DataView(buffer);
  const n = view.getUint32(0, true);
  const parts = [];
  let offset = padded(4 + 4 * n);
  for (let i = 0; i < n; i++) {
    const nbytes = view.getUint32(4 + 4 * i, true);
    if (offset + nbytes > buffer.byteLength) throw new Error('a message is shorter than it says');
    parts.push({ offset, nbytes });
    offset += padded(nbytes);
  }
  return parts;
}

/**
 * Returns {topic, header, arrays}: arrays by the name of their part, each {data, shape, units}, data a typed array in
 * C order that may lie in the buffer.
 */
export function decode(buffer) {
  const parts = partsOf(buffer);
  const words = (part) => text.decode(new Uint8Array(buffer, part.offset, part.nbytes));
  const topic = words(parts[0]);
  const header = JSON.parse(words(parts[1]));
  const described = (topic === 'reply/' ? header.result?.parts : header.parts) ?? [];
  const arrays = {};
  described.forEach((part, i) => {
    const raw = parts[2 + i];
    if (!raw || raw.nbytes !== part.nbytes) throw new Error(`part ${part.name} of ${topic} is not what its header says`);
    if (part.encoding !== 'raw') throw new Error(`part ${part.name} of ${topic} is encoded as ${part.encoding}`);
    arrays[part.name] = {
      data: elements(buffer, raw.offset, raw.nbytes, part.dtype), shape: part.shape, units: part.units,
    };
  });
  return { topic, header, arrays };
}
