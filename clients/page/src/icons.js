// Signs of buttons that letters have no good ones for, 20 x 20, in the colour of the text.

const DRAWINGS = {
  camera: 'M2.5 6.5 h3.2 l1.6 -2 h5.4 l1.6 2 h3.2 v9.5 h-15 z M13 11.2 a3 3 0 1 1 -6 0 a3 3 0 1 1 6 0',
  wave: 'M2 10 h2.5 l1.5 -4.5 l3 10 l3 -12 l2.2 9 l1.3 -2.5 h2.5',
  slide: 'M2.5 3.5 h15 v10 h-15 z M10 13.5 v2 M6.5 17.5 l3.5 -2 l3.5 2 M5.5 10.5 l3 -3.5 l2.5 2.5 l1.5 -1.5 l2 2.5',
};

/** A new <svg>; the button has the words. */
export function icon(name) {
  const space = 'http://www.w3.org/2000/svg';
  const made = document.createElementNS(space, 'svg');
  const path = document.createElementNS(space, 'path');
  for (const [key, value] of Object.entries({ viewBox: '0 0 20 20', class: 'sign', 'aria-hidden': 'true' })) made.setAttribute(key, value);
  path.setAttribute('d', DRAWINGS[name]);
  made.append(path);
  return made;
}
