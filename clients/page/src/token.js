// The token that lets this page steer comes in the address after #, which is sent to nobody. It is taken out of the
// address, so that it is in no screenshot, and kept for this tab.

const KEY = 'merlind.token';

export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return given ?? sessionStorage.getItem(KEY);
}
