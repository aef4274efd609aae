// Maps of classes side by side: of the scans of a series, or of the passes of one scan.

import { element } from './dom.js';
import { paintClasses } from './raster.js';

/** Newest scans of which merlind keeps maps in memory, as far as there is room. */
export const MOST_SCANS = 16;

/** A figure of one pass of a map of classes: `data` and `measured` of `shape` [ny, nx], with its caption. */
export function classFigure({ data, measured }, [ny, nx], name, caption) {
  const canvas = element('canvas', { width: nx, height: ny, role: 'img', 'aria-label': `Classes, ${name}: ${caption}` });
  const context = canvas.getContext('2d');
  const image = new ImageData(nx, ny);
  paintClasses(new Uint32Array(image.data.buffer), data, measured);
  context.putImageData(image, 0, 0);
  return element('figure', {}, canvas, element('figcaption', {}, element('b', {}, name), ` ${caption}`));
}
