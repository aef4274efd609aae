#!/usr/bin/env bash
# Searches the model of the ring exhaustively, and the variants that are wrong on purpose until they are found wrong: tests/model/run.sh [--long]
# (--long: more chunks and frames; a quarter of an hour and 2 GB). Prints "ok NAME" or "FAIL NAME"; exit code 77 where there is no spin (Debian package spin).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Room for chunks, chunks that come, frames of a chunk.
sizes=("1 2 1")
# For pan: states as they are need less time, packed ones (-DCOLLAPSE) a quarter of the memory. The order of steps that do not touch each
# other is left out by spin itself; nothing is sampled (no -DBITSTATE).
options=() hash=22
if [ "${1:-${MERLIND_TEST_LONG:+--long}}" = --long ]; then
  sizes+=("2 2 1" "1 2 2" "2 2 2" "1 3 1" "1 3 2" "2 3 1")
  options=(-DCOLLAPSE -DMEMLIM=4000) hash=26
fi
if ! command -v spin >/dev/null; then
  echo "spin is not here"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# search SLOTS CHUNKS FRAMES [VARIANT]: 0 nothing is wrong, 1 something is, 2 the search did not come to its end.
search() {
  local dir=$work/search
  rm -rf "$dir"
  mkdir -p "$dir"
  cd "$dir"
  spin ${4:+-D"$4"} -DSLOTS="$1" -DCHUNKS="$2" -DFRAMES="$3" -a "$here/ring.pml" >log 2>&1 </dev/null || return 2
  gcc -O2 -w -DSAFETY "${options[@]}" -o pan pan.c >>log 2>&1 || return 2
  ./pan -m1000000 "-w$hash" >result 2>&1 </dev/null || return 2
  grep -q 'errors: 0$' result || return 1
  ! grep -qE 'search not completed|max search depth too small' result || return 2
}

tell() { # NAME EXPECTED CODE
  if [ "$2" -eq "$3" ]; then
    echo "ok $1"
  else
    echo "FAIL $1"
    failed=1
  fi
}

for size in "${sizes[@]}"; do
  code=0
  # shellcheck disable=SC2086 # three numbers
  search $size || code=$?
  tell "no chunk is lost, taken twice or used again too early, and nobody sleeps for ever ($size: $(grep -oE '[0-9.e+]+ states, stored' "$work/search/result"))" 0 "$code"
done
for variant in NO_FENCE_IN_OPEN NO_FENCE_IN_RELEASE NO_SECOND_LOOK NO_SECOND_LOOK_FOR_ROOM STALE_SIGNAL CLAIM_WITHOUT_EXCHANGE REUSE_EARLY; do
  code=0
  search 1 2 1 "$variant" || code=$?
  tell "the search finds what is wrong with $variant" 1 "$code"
done
exit "$failed"
