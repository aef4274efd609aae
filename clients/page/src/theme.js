// Dark by default; light where it is chosen.

const colours = new Map();

export function setTheme(name) {
  document.documentElement.dataset.theme = name;
  colours.clear();
}

export function toggleTheme() {
  const next = document.documentElement.dataset.theme === 'light' ? 'dark' : 'light';
  setTheme(next);
  return next;
}

/** The theme's colour of this name, as in style.css. Asked of the browser once: it would compute the whole page's style each time. */
export function themeColour(name) {
  if (!colours.has(name)) colours.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return colours.get(name);
}
