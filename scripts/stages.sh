# shellcheck shell=bash
# The stages of check.sh, which sources this: each is a function stage_NAME that calls pass, fail, skip, try and add_counts.
# shellcheck disable=SC2154 # top, build, long, work and stage are check.sh's

# sources PATTERN...: the repository's files of these names, new ones included, ignored ones not.
sources() {
  git -C "$top" ls-files --cached --others --exclude-standard -- "$@" | sort -u | while read -r file; do
    if [ -f "$top/$file" ]; then echo "$file"; fi
  done
}

stage_style() {
  local files
  install_packages style || return
  if ! git -C "$top" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    skip "style" "this is no git work tree, so that nobody can tell what belongs to it"
    return
  fi
  mapfile -t files < <(sources '*.c' '*.h')
  try "clang-format on ${#files[@]} files" clang-format-14 --dry-run -Werror "${files[@]}" || true
  mapfile -t files < <(sources '*.sh' .ci/run)
  try "shellcheck on ${#files[@]} scripts" shellcheck -x "${files[@]}" || true
  mapfile -t files < <(sources '*.py')
  try "Python syntax of ${#files[@]} files" /usr/bin/python3 -c \
    'import ast, sys; [ast.parse(open(f).read(), f) for f in sys.argv[1:]]' "${files[@]}" || true
  try "includes point one way" /usr/bin/python3 tests/layering.py || true
  try "the include check notices an arrow that points back" style_layering_bites || true
  mapfile -t files < <(sources '*.c' '*.h' '*.py' '*.sh' '*.md' '*.build' '*.yaml' '*.json')
  try "no blanks at the end of a line" style_no_trailing_blanks "${files[@]}" || true
}

style_no_trailing_blanks() {
  ! grep -nE '[[:space:]]+$' "$@"
}

# A tree with one wrong include in it must be refused.
style_layering_bites() {
  local tree=$work/layers
  mkdir -p "$tree/common" "$tree/processing"
  echo >"$tree/processing/ring.h"
  echo '#include "processing/ring.h"' >"$tree/common/wrong.c"
  ! /usr/bin/python3 tests/layering.py "$tree"
}

# configure DIR COMPILER MESON-OPTIONS...: makes or updates a build directory.
configure() {
  local dir=$1 compiler=$2
  shift 2
  if [ -f "$dir/build.ninja" ] && CC=$compiler meson setup --reconfigure "$dir" "$top" "$@"; then
    return 0
  fi
  rm -rf "$dir/meson-private" "$dir/meson-info" "$dir/build.ninja"
  CC=$compiler meson setup "$dir" "$top" "$@"
}

# compile NAME DIR COMPILER MESON-OPTIONS...: configures and builds, as one check.
compile() {
  local name=$1 dir=$2 compiler=$3
  shift 3
  try "$name: configuration" configure "$dir" "$compiler" "$@" || return
  try "$name: compilation without a warning" ninja -C "$dir" -j "$(nproc)" || return
}

stage_build() {
  install_packages build test docs || return
  if ! compile "release build" "$build" gcc --buildtype=release -Dwerror=true -Dtests=true; then
    build_failed=1
    return 1
  fi
}

# The stages that only need the programs build them where no other stage did; after a failure they are not tried again.
need_build() {
  install_packages build test || return
  if [ -n "${build_failed:-}" ]; then
    skip "$stage" "the release build has failed"
    return 1
  fi
  if [ ! -x "$build/daemon/merlind" ] || ! ninja -C "$build" >"$work/log" 2>&1; then
    stage_build
  fi
}

# The classifier's rates on patterns of known truth take too long under the sanitizers.
stage_unit() {
  local factor=1
  need_build || return
  [ -z "$long" ] || factor=12 # the model of the ring
  unit_tests "$build" "$factor" "unit,truth,corpus,model" env ${long:+MERLIND_TEST_LONG=1}
}

stage_integration() {
  need_build || return
  install_packages service || return
  integration_tests "$build"
}

# The virtual environment stays beside the build directory, and is brought up to date when it is a day old.
readers_environment() {
  local dir=$1
  if [ -n "$(find "$dir/complete" -mmin -1440 2>/dev/null)" ]; then return 0; fi
  rm -f "$dir/complete"
  [ -x "$dir/bin/pip" ] || /usr/bin/python3 -m venv "$dir"
  "$dir/bin/pip" install --quiet --upgrade --retries 1 --timeout 20 \
    rosettasciio hyperspy pyxem emdfile py4DSTEM libertem silx h5py hdf5plugin || return
  touch "$dir/complete"
}

# The library that h5web reads with, in a version that goes with its plug-ins.
h5web_environment() {
  local dir=$1
  install_node || return
  if [ -n "$(find "$dir/complete" -mmin -1440 2>/dev/null)" ]; then return 0; fi
  mkdir -p "$dir"
  npm install --no-audit --no-fund --prefix "$dir" h5wasm h5wasm-plugins || return
  touch "$dir/complete"
}

stage_readers() {
  local dir=$build-readers classes=(PypiReaders)
  need_build || return
  install_packages readers || return
  if ! readers_environment "$dir" >"$work/log" 2>&1; then
    if grep -qE 'NewConnectionError|ConnectTimeoutError|Temporary failure|No route|from versions: none' "$work/log"; then
      skip "newest readers" "PyPI cannot be reached"
      return
    fi
    fail "newest readers: their virtual environment"
    tail -n 20 "$work/log"
    return 1
  fi
  if h5web_environment "$dir-h5web" >"$work/log" 2>&1; then
    classes+=(NpmReaders)
  else
    skip "h5web's library" "npm's packages could not be installed: $(tail -n 1 "$work/log")"
  fi
  "$dir/bin/pip" list 2>/dev/null |
    sed -nE 's/^(rosettasciio|hyperspy|pyxem|emdfile|py4DSTEM|libertem|silx|h5py|hdf5plugin) +/  \1 /p'
  integration_tests "$build" env MERLIND_READERS_PYTHON="$dir/bin/python" MERLIND_READERS_H5WEB="$dir-h5web" -- "${classes[@]}"
}

# The unit tests whose programs can start a thread, of the release build; nothing where there is none. grep reads to the end: with -q
# it leaves nm a broken pipe now and then, which is a failure too.
threaded_units() {
  local program
  for program in "$build"/tests/unit/*/test_*; do
    if [ -f "$program" ] && [ -x "$program" ] && nm --undefined-only "$program" | grep -E ' (pthread_create|GOMP_parallel)\b' >/dev/null; then
      basename "$program" | sed 's/^test_//'
    fi
  done
}

# unit_tests DIR TIME-FACTOR SUITES COMMAND-PREFIX...; only those named in the array only_units, if there are any
unit_tests() {
  local dir=$1 factor=$2 log=$1/meson-logs/testlog.json suites
  mapfile -t suites < <(tr , '\n' <<<"$3" | sed 's/^/--suite=/')
  shift 3
  rm -f "$log"
  "$@" meson test -C "$dir" --no-rebuild "${suites[@]}" "${only_units[@]}" --timeout-multiplier "$factor" >"$work/log" 2>&1 || true
  if [ ! -s "$log" ]; then
    fail "$stage: meson test made no log"
    tail -n 20 "$work/log"
    return 1
  fi
  /usr/bin/python3 tests/meson_results.py "$log" --json "$work/unit.json" | sed 's/^/  /' || true
  add_counts "$work/unit.json"
}

# integration_tests DIR COMMAND-PREFIX... [-- MODULE...]
integration_tests() {
  local dir=$1 code=0 prefix=() modules=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    prefix+=("$1")
    shift
  done
  [ $# -eq 0 ] || modules=("${@:2}")
  rm -f "$work/integration.json"
  MERLIND_BUILD=$dir "${prefix[@]}" /usr/bin/python3 tests/integration/run.py --json "$work/integration.json" \
    ${long:+--long} "${modules[@]}" </dev/null || code=$?
  if [ ! -s "$work/integration.json" ]; then
    fail "$stage: the runner of the integration tests ended with $code"
    return 1
  fi
  add_counts "$work/integration.json"
}

# The address sanitizer's build: the programs, their tests and the fuzz targets, which are compiled with the same options.
compile_asan() {
  compile "address sanitizer" "$build-asan" clang-14 --buildtype=debugoptimized -Dwerror=true -Dbench=false -Dfuzz=true \
    -Db_sanitize=address,undefined -Db_lundef=false
}

stage_asan() {
  local dir=$build-asan
  install_packages build test sanitizers || return
  compile_asan || return
  local options=(
    env MERLIND_SANITIZER=address MERLIND_TEST_SCALE=3
    "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:abort_on_error=0"
    "LSAN_OPTIONS=suppressions=$top/tests/leaks.supp:print_suppressions=0"
    "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
    "ASAN_SYMBOLIZER_PATH=$(command -v llvm-symbolizer-14 || true)"
  )
  unit_tests "$dir" 5 "unit,corpus" "${options[@]}"
  integration_tests "$dir" "${options[@]}"
}

# The thread sanitizer maps memory at fixed places; kernels that randomise addresses more widely need that turned off.
tsan_prefix() {
  printf 'int main(void) { return 0; }\n' >"$work/empty.c"
  clang-14 -fsanitize=thread -o "$work/empty" "$work/empty.c" || return
  if "$work/empty" 2>/dev/null; then
    return 0
  fi
  setarch -R "$work/empty" 2>/dev/null && echo "setarch -R"
}

stage_tsan() {
  local dir=$build-tsan prefix
  install_packages build test sanitizers || return
  if ! prefix=$(tsan_prefix); then
    skip "thread sanitizer" "it does not run on this kernel, not even without address randomisation"
    return
  fi
  compile "thread sanitizer" "$dir" clang-14 --buildtype=debugoptimized -Dwerror=true -Dbench=false \
    -Db_sanitize=thread -Db_lundef=false || return
  # HDF5, Blosc and ZeroMQ are not instrumented; Archer (libomp's tool) tells the sanitizer about OpenMP's own order.
  local options=(
    env MERLIND_SANITIZER=thread MERLIND_TEST_SCALE=6
    "TSAN_OPTIONS=ignore_noninstrumented_modules=1:second_deadlock_stack=1:halt_on_error=0"
    "TSAN_SYMBOLIZER_PATH=$(command -v llvm-symbolizer-14 || true)"
  )
  # What has no threads has nothing for this sanitizer.
  local only_units=()
  [ -n "$long" ] || mapfile -t only_units < <(threaded_units)
  # shellcheck disable=SC2086 # no word, or two
  unit_tests "$dir" 10 unit $prefix "${options[@]}"
  # shellcheck disable=SC2086
  integration_tests "$dir" $prefix "${options[@]}"
}

# Targets are the programs fuzz_NAME of tests/fuzz, their corpora the folders tests/fuzz/corpus/NAME.
stage_fuzz() {
  local dir=$build-asan seconds=10 target name
  install_packages build test sanitizers || return
  if ! ls tests/fuzz/fuzz_*.c >/dev/null 2>&1; then
    skip "fuzz targets" "tests/fuzz has none"
    return
  fi
  [ -z "$long" ] || seconds=300
  compile_asan || return
  export -f fuzz_target
  find "$dir/tests/fuzz" -maxdepth 1 -type f -name 'fuzz_*' -executable -print0 | sort -z |
    xargs -0 -n 1 -P "$(nproc)" bash -c 'fuzz_target "$@"' fuzz_target "$seconds" "$work/fuzz"
  for target in "$work"/fuzz/*.code; do
    name=$(basename "$target" .code)
    if try "$name for $seconds s" fuzz_outcome "${target%.code}"; then
      sed -n "s/^stat::number_of_executed_units: */  $name: inputs tried: /p" "$work/log"
    fi
  done
}

# fuzz_target SECONDS DIRECTORY PROGRAM: starts from the kept corpus, leaves it as it is; log and exit code are in DIRECTORY.
fuzz_target() {
  local seconds=$1 out=$2 target=$3 name corpus=() code=0
  name=$(basename "$target")
  mkdir -p "$out/corpus/$name"
  corpus=("$out/corpus/$name")
  if [ -d "tests/fuzz/corpus/${name#fuzz_}" ]; then
    corpus+=("tests/fuzz/corpus/${name#fuzz_}")
  fi
  ASAN_OPTIONS=detect_leaks=1 "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 \
    -artifact_prefix="$out/" "${corpus[@]}" >"$out/$name.log" 2>&1 || code=$?
  echo "$code" >"$out/$name.code"
}

# fuzz_outcome PATH: of the target whose files begin so.
fuzz_outcome() {
  cat "$1.log"
  return "$(cat "$1.code")"
}

# Skipped, with a word, where there is no Node.js, no browser or none of npm's packages.
stage_page() {
  local packages=$build/page-tests
  need_build || return
  if ! install_node || ! install_packages browser; then
    skip "the page" "Node.js or chromium could not be installed"
    return
  fi
  if ! clients/page/install_packages.sh "$packages" npm --include=dev >"$work/log" 2>&1; then
    skip "the page" "npm's packages could not be installed: $(tail -n 1 "$work/log")"
    return
  fi
  # A build that was configured before there was npm has no page in it.
  if [ ! -f "$build/clients/page/app.js" ]; then
    try "the page: configuration" meson setup --reconfigure "$build" "$top" -Dpage=enabled || return
    try "the page: compilation" ninja -C "$build" || return
  fi
  # Beside npm's packages, where those are found that the page's sources name.
  rm -rf "$packages/src" "$packages/unit"
  cp -r clients/page/src clients/page/unit "$packages"
  node_tests "$packages/unit" env
  node_tests "tests/page" env "MERLIND_BUILD=$build" "MERLIND_PAGE_MODULES=$packages"
}

# node_tests DIRECTORY COMMAND-PREFIX...: every test counts as one check.
node_tests() {
  local directory=$1 result name
  shift
  "$@" node --test --test-reporter=tap --test-concurrency=1 "$directory"/*.test.*js >"$work/tap" 2>"$work/log" </dev/null || true
  while read -r result name; do
    if [ "$result" = ok ]; then
      pass
    else
      fail "$directory: $name"
      grep -A 20 -E "^not ok [0-9]+ - " "$work/tap" | grep -A 20 -F -- "- $name" | sed 's/^/      | /' || true
    fi
  done < <(sed -nE 's/^(not )?ok [0-9]+ - (.*)$/\1ok \2/p' "$work/tap" | sed 's/^not ok/not_ok/')
  grep -q '^# tests [1-9]' "$work/tap" || fail "$directory: its tests did not run: $(tail -n 3 "$work/log")"
}

# The Debian package on a clean Debian 12 that boots in a container. That Debian is kept beside the build for the next time.
stage_service() {
  local code=0
  install_packages container package build docs || return
  bash tests/service/run.sh "$build-root" "$work/service" >"$work/log" 2>&1 || code=$?
  sed 's/^/  /' "$work/log"
  if [ "$code" -eq 77 ]; then
    skip "the service under systemd" "$(tail -n 1 "$work/log")"
    return
  fi
  passed=$((passed + $(grep -c '^ok ' "$work/log" || true)))
  while IFS= read -r line; do
    fail "service: ${line#FAIL }"
  done < <(grep '^FAIL ' "$work/log")
  [ "$code" -eq 0 ] || [ "$failed" -gt 0 ] || fail "service: run.sh ended with $code"
}

# The tests are left out: the analyzer does not know that cmocka's assertions do not return. So is what a build would
# generate: nothing is built here. Nearly all of the time went into a few dozen functions with loops in loops, of which the analyzer
# followed 225,000 states each without saying more than after the first 30,000; --long follows them all.
stage_tidy() {
  local dir=$build-tidy files depth=30000
  install_packages build test tidy || return
  try "clang-tidy: configuration" configure "$dir" clang-14 --buildtype=debugoptimized || return
  mapfile -t files < <(/usr/bin/python3 -c 'import json, os, sys
top = os.path.realpath(sys.argv[2])
files = {os.path.realpath(os.path.join(c["directory"], c["file"])) for c in json.load(open(sys.argv[1]))}
kept = (f for f in files if f.startswith(top + "/") and not f.startswith(top + "/tests/") and os.path.exists(f))
print("\n".join(sorted(kept)))' "$dir/compile_commands.json" "$top")
  [ -z "$long" ] || depth=225000
  try_lines=200 try "clang-tidy on ${#files[@]} files" tidy_files "$dir" "$depth" "${files[@]}" || true
}

# tidy_files DIR DEPTH FILE...: DEPTH is the number of states of a function that the analyzer looks at.
tidy_files() {
  local dir=$1 analyzer=(--extra-arg={-Xclang,-analyzer-config,-Xclang,"max-nodes=$2"})
  shift 2
  printf '%s\0' "$@" | xargs -0 -n 4 -P "$(nproc)" clang-tidy-14 -p "$dir" --quiet "${analyzer[@]}" 2>&1 |
    grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header-filter'
  [ "${PIPESTATUS[1]}" -eq 0 ]
}

stage_docs() {
  local page pages
  install_packages docs || return
  need_build || return
  mapfile -t pages < <(find "$build/docs" -maxdepth 2 -name '*.[1-8]' 2>/dev/null | sort)
  if [ "${#pages[@]}" -eq 0 ]; then
    skip "manual pages" "the build made none"
    return
  fi
  for page in "${pages[@]}"; do
    try "manual page $(basename "$page") without a warning" docs_page "$page" || true
  done
  try "dashboard and alerts name figures that there are" /usr/bin/python3 tests/monitoring.py || true
  command -v promtool >/dev/null || skip "expressions of the alerts" "promtool (Debian package prometheus) is not there"
  try "the tests that docs/reliability.md names are there" /usr/bin/python3 tests/named_tests.py || true
}

docs_page() {
  local warnings
  warnings=$(LC_ALL=C.UTF-8 MANWIDTH=100 man -l --warnings -E UTF-8 "$1" 2>&1 >/dev/null)
  printf '%s\n' "$warnings"
  [ -z "$warnings" ]
}
