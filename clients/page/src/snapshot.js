// A picture as it is displayed, its raw values, and a text of how it was shown.

import { download, stamp } from './download.js';
import { toScreen } from './image_view.js';
import { npy } from './npy.js';

// In the units of the screen, so that lines and letters keep a size fit for a figure; each is two pixels.
const LEAST_WIDTH = 420;
const PIXELS = 2;

/** What is seen of the image on the screen, layers and scale bar included, without the margins around it. */
export function pictureOf(image) {
  const { scale, x, y } = image.view;
  const { width, height } = image.size;
  const [left, top] = [Math.max(0, x), Math.max(0, y)];
  const seen = {
    width: Math.min(image.root.clientWidth, x + width * scale) - left, height: Math.min(image.root.clientHeight, y + height * scale) - top,
  };
  const factor = Math.max(1, LEAST_WIDTH / seen.width);
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(seen.width * factor * PIXELS);
  canvas.height = Math.round(seen.height * factor * PIXELS);
  const view = { scale: scale * factor, x: (x - left) * factor, y: (y - top) * factor };
  const larger = {
    view, size: image.size, root: { clientWidth: canvas.width / PIXELS, clientHeight: canvas.height / PIXELS }, toScreen: (place) => toScreen(place, view),
  };
  const context = canvas.getContext('2d');
  context.scale(PIXELS, PIXELS);
  image.drawTo(context, larger);
  image.drawLayers(context, larger);
  return canvas;
}

/** Saves NAME.png, NAME.npy and NAME.json; `more` goes into the JSON. Resolves to the name. */
export async function saveSnapshot(display, more) {
  const { image, view, product } = display;
  const name = `${product.replace(/\W+/g, '_')}-${stamp()}`;
  const about = { product, shape: image.shape, units: image.units, shown: display.shownAs, view: view.view, saved: new Date().toISOString(), ...more };
  const picture = await new Promise((resolve) => pictureOf(view).toBlob(resolve, 'image/png'));
  download(`${name}.png`, picture);
  download(`${name}.npy`, new Blob([npy(image.data, image.measured, image.shape)]));
  if (image.angle) download(`${name}-degrees.npy`, new Blob([npy(image.angle.map((turns) => 360 * turns), image.measured, image.shape)]));
  download(`${name}.json`, new Blob([`${JSON.stringify(about, null, 2)}\n`], { type: 'application/json' }));
  return name;
}
