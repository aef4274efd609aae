#!/bin/sh
# install_packages.sh DIRECTORY NPM [NPM-OPTION...]: installs the page's npm packages, as the lock file names them, in
# DIRECTORY/node_modules, unless these are there already, and puts what runs beside them. Without options only the
# packages that the page is built with; --include=dev: those of its tests too.
set -eu
source=$(cd "$(dirname "$0")" && pwd)
directory=$1
npm=$2
shift 2
[ $# -gt 0 ] || set -- --omit=dev

mkdir -p "$directory"
cp "$source/build.js" "$directory/build.js"
if cmp -s "$source/package-lock.json" "$directory/package-lock.json" && [ "$(cat "$directory/installed" 2>/dev/null)" = "$*" ]; then
  exit 0
fi
rm -f "$directory/installed"
cp "$source/package.json" "$source/package-lock.json" "$source/.npmrc" "$directory/"
cd "$directory"
"$npm" ci "$@" </dev/null
echo "$*" >installed
