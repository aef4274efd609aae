#!/usr/bin/env bash
# Shows merlind at work without a detector: installs what it needs, builds, starts a simulated detector (merlin-sim) and
# merlind on this machine, records one synthetic scan, says where the file is and how to look further, and ends with the
# table of its Bragg reflections next to the truth that the patterns were made with.
#
#   ./demo.sh              a scan of 64x64 positions at 2,000 patterns a second
#   ./demo.sh --stay       the same, and merlind and the detector stay: look at the page, start scans there; Ctrl-C ends them
#   DEMO_SCAN=128x128 DEMO_FPS=4000 DEMO_PORT_BASE=7340 ./demo.sh
#
# The file goes to demo-data/. Everything that it starts ends with it. The address of the page is told before the scan: open
# it in a browser to see the maps grow.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/packages.sh
. "$top/scripts/packages.sh"

build=${MERLIND_BUILD:-$top/build}
data=$top/demo-data
scan=${DEMO_SCAN:-64x64}
fps=${DEMO_FPS:-2000}
base=${DEMO_PORT_BASE:-6340}
command_port=$((base + 1)) data_port=$((base + 2))
control=tcp://127.0.0.1:$((base + 10)) results=tcp://127.0.0.1:$((base + 11)) web=127.0.0.1:$((base + 40))
token=$(od -An -N 12 -tx1 /dev/urandom | tr -d ' \n')
work=$(mktemp -d)
stay=''
simulator='' daemon=''

clean_up() {
  local pid
  for pid in $daemon $simulator; do
    kill "$pid" 2>/dev/null || true
  done
  for pid in $daemon $simulator; do
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

stop_with() { # stop_with MESSAGE [LOG]
  echo "demo.sh: $1" >&2
  if [ -n "${2:-}" ]; then sed 's/^/    /' "$2" >&2; fi
  exit 1
}

# A port is free when nobody answers on it.
check_ports() {
  local port
  for port in "$command_port" "$data_port" $((base + 10)) $((base + 11)) $((base + 40)); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      stop_with "port $port is in use (another merlind or detector on this machine?). Choose others:
    DEMO_PORT_BASE=7340 ./demo.sh     uses 7341, 7342, 7350, 7351 and 7380"
    fi
  done
}

build_programs() {
  install_packages build demo
  install_node || echo "note: without Node.js and npm there will be no page for a browser"
  if [ ! -f "$build/build.ninja" ]; then
    echo "Preparing the build in $build"
    meson setup "$build" "$top" --buildtype=release -Dtests=false >"$work/log" 2>&1 || stop_with "meson failed:" "$work/log"
  fi
  echo "Building"
  ninja -C "$build" daemon/merlind detector/sim/merlin-sim clients/ctl/merlinctl >"$work/log" 2>&1 ||
    stop_with "the build failed:" <(tail -n 40 "$work/log")
}

# wait_ready PID OUTPUT NAME: until the program says `ready ...`.
wait_ready() {
  local tries
  for ((tries = 0; tries < 600; tries++)); do
    if grep -qs '^ready ' "$2"; then return 0; fi
    if ! kill -0 "$1" 2>/dev/null; then stop_with "$3 ended at its start:" "$2"; fi
    sleep 0.1
  done
  stop_with "$3 was not ready in a minute:" "$2"
}

start_programs() {
  mkdir -p "$data"
  "$build/detector/sim/merlin-sim" --synthetic glass --scan "$scan" --fps "$fps" --counts 1 --speckle 0.03 --charge-sharing \
    --br-fraction 0.35 --truth "$work/truth.json" --command-port "$command_port" --data-port "$data_port" \
    >"$work/simulator" 2>&1 &
  simulator=$!
  wait_ready "$simulator" "$work/simulator" merlin-sim
  "$build/daemon/merlind" -o detector.host=127.0.0.1 -o "detector.command_port=$command_port" -o "detector.data_port=$data_port" \
    -o ring.size=512MiB -o "recording.directory='$data'" -o "control.endpoint='$control'" -o "results.endpoint='$results'" \
    -o "web.listen='$web'" -o "web.token=$token" \
    -o calibration.pixel_size_k=0.1185 -o calibration.scan_step=0.8 \
    -o bragg.enabled=true -o 'bragg.centre=[128, 128]' -o 'bragg.annulus=[25, 46]' -o bragg.disk_radius=3.36 \
    -o 'virtual_detectors=[{name: bright_field, shape: disk, radius: 24}, {name: dark_field, shape: annulus, inner: 40, outer: 110}, {name: halo, shape: annulus, inner: 50, outer: 80}]' \
    >"$work/daemon" 2>&1 &
  daemon=$!
  wait_ready "$daemon" "$work/daemon" merlind
}

number() { # number NAME: a member of the run's last summary
  /usr/bin/python3 -c 'import json, sys
value = json.load(open(sys.argv[1]))
for name in sys.argv[2].split("."):
    value = value[name]
print(value)' "$work/summary" "$1"
}

ctl() { "$build/clients/ctl/merlinctl" -e "$control" "$@"; }

# merlind is ready before it has found the detector.
wait_detector() {
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    if ctl status --json 2>/dev/null | /usr/bin/python3 -c 'import json, sys
links = json.load(sys.stdin)["detector"]
sys.exit(links["command"] != "connected" or links["data"] != "connected")'; then return 0; fi
    sleep 0.1
  done
  stop_with "merlind does not find the simulated detector:" "$work/daemon"
}

# The classes that merlind found beside those that the simulator made. A film bigger than the simulator's bank repeats it.
bragg_table() {
  ctl bragg --json >"$work/bragg" || stop_with "there is no table of Bragg reflections:" "$work/daemon"
  /usr/bin/python3 - "$work/bragg" "$work/truth.json" <<'END'
import collections, json, sys
found, truth = (json.load(open(path)) for path in sys.argv[1:])
patterns = truth["patterns"]
ny, nx = found["shape"]
made = collections.Counter(patterns[i % len(patterns)]["class"] for i in range(ny * nx))
print("Bragg reflections (%d patterns classified)      found    made" % found["n"])
for name, key in (("none", "none"), ("two-beam", "two_beam"), ("three-beam", "three_beam"), ("on-axis", "on_axis"),
                  ("multiple", "multiple")):
    print("  %-44s %6d  %6d" % (name, found[key], made[name]))
fraction = lambda n: "%.1f %%" % (100 * n)
print("  %-42s %8s %7s" % ("with reflections", fraction(found["fraction"]), fraction(1 - made["none"] / (ny * nx))))
low, high = found["effective_size"]["interval"]
print("  95 %% interval, neighbouring patterns being alike: %s to %s" % (fraction(low), fraction(high)))
quoted = found["headline"]
print("  To quote: %s with reflections of contrast %g or more (%s to %s)" % (
    fraction(quoted["fraction"]), quoted["min_contrast"], *map(fraction, quoted["interval"])))
rate = quoted["true_positive"]
print("  Of %d such reflections put into patterns without any %s were found" % (rate["n"], fraction(rate["tpr"])))
END
}

main() {
  local file picture code=0
  case ${1:-} in
    '') ;;
    --stay) stay=1 ;;
    *) stop_with "there is no option '$1'; --stay keeps merlind and the page" ;;
  esac
  check_ports
  build_programs
  start_programs
  wait_detector
  echo "The operator's page: http://$web/#token=$token"
  echo "A scan of $scan positions at $fps patterns a second"
  ctl start --scan "$scan" --wait --progress --json >"$work/output" || code=$?
  tail -n 1 "$work/output" >"$work/summary"
  if [ "$code" -ne 0 ]; then
    stop_with "the scan did not complete (merlinctl: $code):" <(cat "$work/summary" "$work/daemon")
  fi
  file=$(number file)
  picture=${file%.h5}-halo.png
  ctl map halo -o "$picture" >/dev/null
  cat <<END

Recorded: $file
  patterns  $(number frames.received) received, $(number frames.recorded) recorded, $(number frames.analysed) analysed, $(number frames.lost) lost
  size      $(du -h "$file" | cut -f1) on disk
  map       $picture

Look further (apt-get install python3-h5py python3-hdf5plugin hdf5-filter-plugin-blosc-serial):
  /usr/bin/python3 -c 'import h5py, hdf5plugin; f = h5py.File("$file"); print(f["/entry/data/data"], f["/entry/results/halo/data"][:])'
While merlind runs (merlinctl --help for more):
  $build/clients/ctl/merlinctl -e $control status
  $build/clients/ctl/merlinctl -e $control map halo -o halo.png
  $build/clients/ctl/merlinctl -e $control bragg --svg classes.svg

END
  bragg_table
  if [ -n "$stay" ]; then
    printf '\nStill there: http://%s/#token=%s\nCtrl-C ends it.\n' "$web" "$token"
    wait "$daemon"
  fi
}

main "$@"
