// Which old run this page shows is in its address, so that going there and back begins with nothing of the other.

/** The file of the old run that an address asks for; null: the live scan. */
export const oldRunOf = ({ search }) => new URLSearchParams(search).get('run');

export function goToOldRun(file) {
  location.assign(`${location.pathname}?${new URLSearchParams({ run: file })}`);
}

export function goToLive() {
  location.assign(location.pathname);
}
