// What is seen of an image that is zoomed.

/** {data, measured (or null)} of the pixels that are seen at least in part; of an image that is whole or out of sight itself. */
export function seenPart(image, { view: { scale, x, y }, root: { clientWidth, clientHeight } }) {
  const [height, width] = image.shape;
  const [left, right] = [Math.max(0, Math.floor(-x / scale)), Math.min(width, Math.ceil((clientWidth - x) / scale))];
  const [top, bottom] = [Math.max(0, Math.floor(-y / scale)), Math.min(height, Math.ceil((clientHeight - y) / scale))];
  if (right <= left || bottom <= top || (right - left) * (bottom - top) === width * height) return image;
  const part = (array) => {
    const out = new array.constructor((right - left) * (bottom - top));
    for (let row = top; row < bottom; row++) out.set(array.subarray(row * width + left, row * width + right), (row - top) * (right - left));
    return out;
  };
  return { data: part(image.data), measured: image.measured && part(image.measured) };
}
