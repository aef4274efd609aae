#!/usr/bin/env bash
# Checks merlind: ./check.sh [--long] [--list] [STAGE...]; without a STAGE all of them, in this order:
#
#   style        formatting, shell scripts, direction of includes
#   build        release build, warnings are errors
#   unit         unit tests
#   integration  the programs against each other and against real files; the installed service
#   page         the operator's page: its modules, and in a browser against merlind and the simulator
#   docs         manual pages
#   asan         unit and integration tests under the address and undefined-behaviour sanitizers
#   tsan         the same under the thread sanitizer; of the integration tests, both run those of tests/integration/sanitizers.txt
#   fuzz         the fuzz targets, a short time each, of the build of asan
#   service      the Debian package, installed on a clean Debian 12 and run under its systemd
#   tidy         clang-tidy
#
# and, only when it is named, because it takes minutes and the network:
#
#   readers      a recorded file, opened by the newest HyperSpy, pyxem, RosettaSciIO, py4DSTEM, LiberTEM and silx from PyPI, and by
#                the library of h5web from npm
#
# Installs the Debian packages that a stage needs. --long: heavier forms. A stage ends with its time and its budget. The last line is "N passed, N failed", with
# ", N skipped" where something was; the exit code is 0 only when nothing failed. The build directory is build/, or
# $MERLIND_BUILD; sanitizer builds lie beside it (build-asan ...).
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/packages.sh
. "$top/scripts/packages.sh"
# shellcheck source=scripts/stages.sh
. "$top/scripts/stages.sh"

all_stages=(style build unit integration page docs asan tsan fuzz service tidy)
more_stages=(readers)
# Seconds on two cores with nothing compiled before. A stage that takes longer says so; that alone is no failure.
declare -A budget=([build]=120 [unit]=120 [integration]=360 [page]=240 [asan]=240 [tsan]=240 [fuzz]=120 [service]=240 [tidy]=90)
build=${MERLIND_BUILD:-$top/build}
long=
passed=0 failed=0 skipped=0
failures=()
only_units=()
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

usage() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
}

pass() { passed=$((passed + 1)); }
fail() { # fail NAME
  failed=$((failed + 1))
  failures+=("$1")
  echo "  FAIL $1"
}
skip() { # skip NAME WHY
  skipped=$((skipped + 1))
  echo "  skipped: $1: $2"
}

# try NAME COMMAND...: one check; its output is shown when it fails.
try() {
  local name=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    pass
  else
    fail "$name"
    tail -n "${try_lines:-60}" "$work/log" | sed 's/^/      | /'
    return 1
  fi
}

# Adds the counts of a test runner's JSON ({"passed", "failed", "skipped"}).
add_counts() {
  local kind text
  while IFS=$'\t' read -r kind text; do
    case $kind in
      passed) passed=$((passed + text)) ;;
      failed) failed=$((failed + 1)) failures+=("$stage: $text") ;;
      skipped) skipped=$((skipped + 1)) ;;
    esac
  done < <(/usr/bin/python3 - "$1" <<'PYTHON'
import json, sys
counts = json.load(open(sys.argv[1]))
print("passed", counts["passed"], sep="\t")
for name in counts["failed"]:
    print("failed", name, sep="\t")
for name, why in counts["skipped"]:
    print("skipped", name, sep="\t")
PYTHON
  )
}

run_stage() {
  local stage=$1 began=$SECONDS took before=("$passed" "$failed" "$skipped")
  echo "== $stage"
  if ! "stage_$stage" && [ "$failed" -eq "${before[1]}" ] && [ "$skipped" -eq "${before[2]}" ]; then
    fail "$stage (the stage ended early)"
  fi
  took=$((SECONDS - began))
  echo "== $stage: $((passed - before[0])) passed, $((failed - before[1])) failed," \
    "$((skipped - before[2])) skipped in $took s$(against_budget "$stage" "$took")"
}

# against_budget STAGE SECONDS: " (budget 240 s)", " (budget 240 s: 12 s over)"; the long forms have none.
against_budget() {
  local seconds=${budget[$1]:-}
  if [ -z "$seconds" ] || [ -n "$long" ]; then return; fi
  if [ "$2" -le "$seconds" ]; then
    printf ' (budget %s s)' "$seconds"
  else
    printf ' (budget %s s: %s s over)' "$seconds" "$(($2 - seconds))"
  fi
}

main() {
  local stages=() stage
  while [ $# -gt 0 ]; do
    case $1 in
      --long) long=1 ;;
      --list) printf '%s\n' "${all_stages[@]}" "${more_stages[@]}" && exit 0 ;;
      -h | --help) usage && exit 0 ;;
      *)
        # Not by a pipe into grep -q, which ends before its writer does: with pipefail that is a failure now and then.
        if [[ " ${all_stages[*]} ${more_stages[*]} " != *" $1 "* ]]; then
          echo "check.sh: there is no stage '$1'; stages: ${all_stages[*]} ${more_stages[*]}" >&2
          exit 64
        fi
        stages+=("$1")
        ;;
    esac
    shift
  done
  [ "${#stages[@]}" -gt 0 ] || stages=("${all_stages[@]}")
  cd "$top"
  for stage in "${stages[@]}"; do
    run_stage "$stage"
  done
  if [ "$failed" -gt 0 ]; then
    printf '\nFailed:\n'
    printf '  %s\n' "${failures[@]}"
  fi
  printf '\n%s passed, %s failed' "$passed" "$failed"
  [ "$skipped" -eq 0 ] || printf ', %s skipped' "$skipped"
  printf '\n'
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

main "$@"
