// A word on an image that is not linear: otherwise it is taken for data that are stored so.

import { element, setText } from './dom.js';

/** For the stage of a display. */
export function displayOnly(display) {
  const made = element('p', { class: 'display-only' });
  display.addEventListener('shown', () => {
    const { image, kind, contrast: { scale } } = display;
    setText(made, image && kind !== 'classes' && scale !== 'linear' ? `${scale}, display only` : '');
  });
  return made;
}
