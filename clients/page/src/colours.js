// Colour maps as tables of RGBA words for ImageData (little endian: 0xAABBGGRR).

import {
  interpolateCividis, interpolateInferno, interpolateMagma, interpolateRdBu, interpolateViridis,
} from 'd3-scale-chromatic';

export const STEPS = 256;

const pack = (r, g, b) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;

// d3 gives '#rrggbb' or 'rgb(r, g, b)'.
function packCss(css) {
  if (css[0] === '#') return pack(...[1, 3, 5].map((at) => parseInt(css.slice(at, at + 2), 16)));
  return pack(...css.match(/\d+/g).map(Number));
}

const table = (colourAt) => Uint32Array.from({ length: STEPS }, (_, i) => colourAt(i / (STEPS - 1)));

const linearToByte = (v) => {
  const c = Math.min(1, Math.max(0, v));
  return Math.round(255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055));
};

// OKLab (Ottosson 2020) at constant lightness and chroma: no direction looks brighter than another.
function hueAt(turn) {
  const [L, chroma] = [0.74, 0.12];
  const [a, b] = [chroma * Math.cos(2 * Math.PI * turn), chroma * Math.sin(2 * Math.PI * turn)];
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return pack(
    linearToByte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    linearToByte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    linearToByte(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  );
}

/** Names as the operator sees them; `kind` says what each is for. */
export const COLOUR_MAPS = {
  grey: { kind: 'sequential', table: table((t) => pack(...[t, t, t].map((v) => Math.round(255 * v)))) },
  viridis: { kind: 'sequential', table: table((t) => packCss(interpolateViridis(t))) },
  cividis: { kind: 'sequential', table: table((t) => packCss(interpolateCividis(t))) },
  inferno: { kind: 'sequential', table: table((t) => packCss(interpolateInferno(t))) },
  magma: { kind: 'sequential', table: table((t) => packCss(interpolateMagma(t))) },
  'blue-red': { kind: 'diverging', table: table((t) => packCss(interpolateRdBu(1 - t))) },
  hue: { kind: 'cyclic', table: table(hueAt) },
};

// Those of merlinctl's pictures; none is dark here, so that what was found stands out on a dark page.
export const CLASSES = [
  { value: 0, key: 'none', name: 'none', css: '#39424e' },
  { value: 1, key: 'two_beam', name: 'two-beam', css: '#56b4e9' },
  { value: 2, key: 'three_beam', name: 'three-beam', css: '#0072b2' },
  { value: 3, key: 'on_axis', name: 'on-axis', css: '#d55e00' },
  { value: 4, key: 'multiple', name: 'multiple', css: '#f0e442' },
  { value: 254, key: 'excluded', name: 'excluded', css: '#cfd6de' },
];
export const NOT_ANALYSED = 255;

/** Of the class map: 256 words, those of values that are no class transparent, so that the hatching shows. */
export const CLASS_TABLE = (() => {
  const out = new Uint32Array(256);
  for (const { value, css } of CLASSES) out[value] = packCss(css);
  return out;
})();

export const cssOf = (word) => `rgb(${word & 255}, ${(word >> 8) & 255}, ${(word >> 16) & 255})`;
