// Arrays as numpy's .npy files (format 1.0).

const ALIGNMENT = 64;

/** The bytes of a <f8 file of `shape`; places that were not measured are NaN. */
export function npy(data, measured, shape) {
  const described = `{'descr': '<f8', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  const length = Math.ceil((10 + described.length + 1) / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(length + 8 * data.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  new DataView(bytes.buffer).setUint16(8, length - 10, true);
  bytes.set(new TextEncoder().encode(`${described.padEnd(length - 11)}\n`), 10);
  const values = new Float64Array(bytes.buffer, length);
  for (let i = 0; i < data.length; i++) values[i] = !measured || measured[i] ? data[i] : NaN;
  return bytes;
}
