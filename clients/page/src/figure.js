// Figures for a talk: an image alone, with its scale bar and what its colours mean, as SVG and as PNG.

import { CLASSES, cssOf } from './colours.js';
import { button } from './dom.js';
import { wheelOf } from './direction_wheel.js';
import { download, stamp } from './download.js';
import { icon } from './icons.js';
import { roundLength } from './scale_bar.js';
import { SCALES } from './contrast.js';
import { value } from './words.js';

const SIDE = 640; // of the image's longer side, in units of the SVG
const MARGIN = 24;
const LEGEND_WIDTH = 150;
const LEAST_PIXELS = 1280; // of the image in the file: programs that smooth what they enlarge have nothing to enlarge
const PNG_SCALE = 2;
const WHEEL_PIXELS = 120;
const FONT = 'font-family="Helvetica, Arial, sans-serif"';

const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const textAt = (x, y, size, words, more = '') => `<text x="${x}" y="${y}" ${FONT} font-size="${size}" ${more}>${escaped(words)}</text>`;

/** The image with every pixel as a square of whole pixels, as the address of a PNG; unmeasured places are transparent. */
function enlarged(picture) {
  const factor = Math.max(1, Math.ceil(LEAST_PIXELS / Math.max(picture.width, picture.height)));
  const canvas = document.createElement('canvas');
  canvas.width = picture.width * factor;
  canvas.height = picture.height * factor;
  const context = canvas.getContext('2d');
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL('image/png');
}

// Dark letters with a light edge, or the other way round, can be read on any image.
function scaleBar({ size, name }, image, scale) {
  const length = roundLength(image.width * size);
  const pixels = (length / size) * scale;
  const [x, y] = [16, image.height * scale - 18];
  const label = `${Number(length.toPrecision(3))} ${name}`;
  return `<rect x="${x}" y="${y}" width="${pixels}" height="6" fill="#fff" stroke="#000" stroke-width="1"/>` +
    textAt(x, y - 9, 22, label, 'font-weight="bold" fill="#fff" stroke="#000" stroke-width="4" stroke-linejoin="round" paint-order="stroke"');
}

function colourBar({ limits, table, scale, units }, x, height) {
  const steps = 64;
  const transfer = SCALES[scale];
  const parts = Array.from({ length: steps }, (_, i) => {
    const part = (i + 0.5) / steps;
    return `<rect x="${x}" y="${(height * (steps - 1 - i)) / steps}" width="22" height="${height / steps + 0.5}" fill="${cssOf(table[Math.round(transfer(part) * (table.length - 1))])}"/>`;
  });
  const ticks = [0, 0.5, 1].map((part) => textAt(x + 30, height * (1 - part) + (part === 1 ? 15 : part === 0 ? 0 : 6), 18, value(limits[0] + part * (limits[1] - limits[0])), 'fill="#111"'));
  return `${parts.join('')}${ticks.join('')}${textAt(x, height + 24, 18, units, 'fill="#111"')}`;
}

const classLegend = (x) => CLASSES.filter(({ value: v }) => v < 254).map(({ name, css }, i) =>
  `<rect x="${x}" y="${30 * i}" width="20" height="20" fill="${css}"/>${textAt(x + 30, 30 * i + 16, 18, name, 'fill="#111"')}`).join('');

// Outermost is the upper limit.
function directionLegend({ table, contrast, image }, x) {
  const [low, high] = contrast.limits ?? [0, 1];
  return `<image x="${x}" width="120" height="120" href="${wheelOf(table, contrast.scale, WHEEL_PIXELS).toDataURL('image/png')}"/>` +
    textAt(x, 146, 18, `${value(low)} to ${value(high)}`, 'fill="#111"') + textAt(x, 170, 18, image.units, 'fill="#111"');
}

/** The text of the SVG: {svg, width, height}. `step`: {size, name}, how long a pixel is and in what. */
export function figureOf(display, title, step) {
  const { image, view, kind, table, contrast, showsDirections } = display;
  const [rows, columns] = image.shape;
  const scale = SIDE / Math.max(rows, columns);
  const [w, h] = [columns * scale, rows * scale];
  const beside = kind === 'classes' ? classLegend(w + MARGIN)
    : showsDirections ? directionLegend(display, w + MARGIN)
    : colourBar({ limits: contrast.limits ?? [0, 1], table, scale: contrast.scale, units: image.units }, w + MARGIN, h);
  const [width, height] = [w + 2 * MARGIN + LEGEND_WIDTH, Math.max(h, 176) + 2 * MARGIN + 44];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<rect width="${width}" height="${height}" fill="#fff"/>${textAt(MARGIN, MARGIN + 14, 20, title, 'font-weight="bold" fill="#111"')}` +
    `<g transform="translate(${MARGIN} ${MARGIN + 30})"><rect width="${w}" height="${h}" fill="#bbb"/>` +
    `<image width="${w}" height="${h}" preserveAspectRatio="none" href="${enlarged(view.picture)}"/>${scaleBar(step, { width: columns, height: rows }, scale)}${beside}</g></svg>\n`;
  return { svg, width, height };
}

async function rasterised({ svg, width, height }) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = PNG_SCALE * width;
  canvas.height = PNG_SCALE * height;
  canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
}

/** Saves NAME-figure.svg and .png; `figure` as figureOf makes it. Resolves to their name. */
export async function saveFigure(product, figure) {
  const name = `${product.replace(/\W+/g, '_')}-${stamp()}-figure`;
  download(`${name}.svg`, new Blob([figure.svg], { type: 'image/svg+xml' }));
  download(`${name}.png`, await rasterised(figure));
  return name;
}

/** The buttons that save what a panel shows, which says so by events: `snapshot`, `figure`. */
export function savers(what, panel) {
  const saver = (drawing, tip, type, label) => button(icon(drawing), tip, () => panel.dispatchEvent(new CustomEvent(type)), { class: 'icon', 'aria-label': `${label} ${what}` });
  return [
    saver('camera', 'Snapshot: picture as shown, values (.npy) and settings (P)', 'snapshot', 'Save'),
    saver('slide', 'Figure for a talk, with scale bar and colours: SVG and PNG (F)', 'figure', 'Figure of'),
  ];
}
