// Dark by default; light where it is chosen.

export function setTheme(name) {
  document.documentElement.dataset.theme = name;
}

export function toggleTheme() {
  const next = document.documentElement.dataset.theme === 'light' ? 'dark' : 'light';
  setTheme(next);
  return next;
}
