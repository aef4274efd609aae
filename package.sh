#!/usr/bin/env bash
# Makes Debian packages of merlind: ./package.sh [DIRECTORY]
#
# Installs what the build needs, builds the files that git knows of (changed ones as they are) in a scratch directory, and puts the
# .deb files into DIRECTORY (default: dist/). Lintian's errors and warnings are errors here. Install them with
#   sudo apt-get install ./dist/merlind_*.deb
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/packages.sh
. "$top/scripts/packages.sh"

case ${1:-} in
  -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" && exit 0 ;;
esac
mkdir -p "${1:-$top/dist}"
out=$(cd "${1:-$top/dist}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

install_packages build docs package
install_node || echo "package.sh: without Node.js the packages have no page for operators" >&2
mkdir "$work/merlind"
cd "$top"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
  if [ -e "$file" ]; then printf '%s\0' "$file"; fi
done | tar -c --null -T - | tar -x -C "$work/merlind"

cd "$work/merlind"
echo "Building the packages"
if ! dpkg-buildpackage -us -uc -b >"$work/log" 2>&1; then
  tail -n 60 "$work/log" >&2
  echo "package.sh: the build failed" >&2
  exit 1
fi
cd "$work"
lintian --fail-on error,warning ./*.changes
rm -f "$out"/*merlind*.deb
cp ./*.deb "$out/"
ls -l "$out"/*.deb
