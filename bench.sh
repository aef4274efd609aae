#!/usr/bin/env bash
# Measures how fast merlind takes frames, against the limit of this machine's loopback:
#
#   ./bench.sh [--json] [--runs N] [--quick] [--formats LIST] [--measurements LIST] [--counts MU]
#   ./bench.sh kernels [--table] [FORMAT...] [MEASUREMENT...]
#   ./bench.sh record [--json] [--runs N] [--formats LIST]: what recording costs, beside bare Blosc and write(2)
#   ./bench.sh record-facts: what checksum and header of a frame cost a recording
#   ./bench.sh analysis: the fit of a halo, and maps of the integrated centre of mass
#   ./bench.sh page [--json] [PART...]: what the operator's page takes, and how soon it answers, beside what is wanted
#   ./bench.sh page memory [--json] [--minutes N]: what page, browser and merlind hold after scan upon scan
#   ./bench.sh latency [--json] [--lines N]: of results, of answers, and between the scans of a series
#   ./bench.sh frames [--json] [--runs N] [--formats LIST]: what the frame stream costs ingest and recording, off, on, and with nobody to take frames
#   ./bench.sh recompute [--json] [--runs N] [--formats LIST]: what computing a moved detector again costs a run that goes on
#   ./bench.sh bragg [--json] [--cells NAMES|--all] [--frames N]
#
# Prints a table, or one JSON object with the keys loopback_limit, ingest, live, live_record, parts, pipeline (each by format: u8_256,
# u16_256, u16_512), mib (u8_256) and lost_frames. docs/kernels.md tells what `kernels` prints. ./bench.sh --help says what each of them measures. Leave the machine alone while it runs.
#
# bragg is the benchmark of truth (docs/bragg-benchmark.md): how often the classifier of Bragg patterns is right, on patterns of the
# simulator.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/packages.sh
. "$top/scripts/packages.sh"

export MERLIND_BUILD=${MERLIND_BUILD:-$top/build}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

install_packages build test bench >&2
if [ ! -f "$MERLIND_BUILD/build.ninja" ]; then
  meson setup "$MERLIND_BUILD" "$top" --buildtype=release >"$log" 2>&1 || { cat "$log" >&2 && exit 1; }
fi
if ! { meson configure "$MERLIND_BUILD" -Dtests=true && ninja -C "$MERLIND_BUILD"; } >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  exit 1
fi
if [ "${1:-}" = bragg ]; then
  "$MERLIND_BUILD/tests/bench/bench_bragg" "${@:2}"
elif [ "${1:-}" = kernels ]; then
  shift
  if [ "${1:-}" = --table ]; then
    shift
    "$MERLIND_BUILD/tests/bench/bench_kernels" "$@" | /usr/bin/python3 "$top/tests/bench/kernels_table.py"
  else
    "$MERLIND_BUILD/tests/bench/bench_kernels" "$@"
  fi
elif [ "${1:-}" = page ]; then
  install_node >&2
  install_packages browser >&2
  export MERLIND_PAGE_MODULES=$MERLIND_BUILD/page-tests
  "$top/clients/page/install_packages.sh" "$MERLIND_PAGE_MODULES" npm --include=dev >"$log" 2>&1 || { cat "$log" >&2 && exit 1; }
  node "$top/tests/bench/page.mjs" "${@:2}"
elif [ "${1:-}" = latency ]; then
  /usr/bin/python3 "$top/tests/bench/bench_latency.py" "${@:2}"
elif [ "${1:-}" = frames ]; then
  /usr/bin/python3 "$top/tests/bench/bench_frames.py" "${@:2}"
elif [ "${1:-}" = recompute ]; then
  /usr/bin/python3 "$top/tests/bench/bench_recompute.py" "${@:2}"
elif [ "${1:-}" = record ]; then
  /usr/bin/python3 "$top/tests/bench/record.py" "${@:2}"
elif [ "${1:-}" = record-facts ]; then
  "$MERLIND_BUILD/tests/bench/bench_record_facts"
elif [ "${1:-}" = analysis ]; then
  "$MERLIND_BUILD/tests/bench/bench_analysis"
else
  /usr/bin/python3 "$top/tests/bench/bench.py" "$@"
fi
