#!/usr/bin/env bash
# Runs in the container that run.sh boots, as root: what a facility does with the installed service, and what happens to it.
set -uo pipefail

check() { # check NAME COMMAND...
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "ok $name"
  else
    echo "FAIL $name: $(printf '%s' "$output" | tail -n 5 | tr '\n' ' ')"
  fi
}

# seen PATTERN: grep that reads to the end, for with -q it leaves who writes a broken pipe now and then, which is a failure too.
seen() { grep "$@" >/dev/null; }

# within SECONDS COMMAND...: until it succeeds.
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || { "$@"; return 1; }
    sleep 0.2
  done
}

is() { [ "$(systemctl show -P "$1" merlind)" = "$2" ] || { systemctl show -p "$1" merlind && return 1; }; }
state() { merlinctl status --json | seen "\"state\": *\"$1\""; }
idle() { state idle; }
running() { is ActiveState active && merlinctl status >/dev/null; }
newest() { find /var/lib/merlind -maxdepth 1 -name "$1" -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-; }
restarts() { systemctl show -P NRestarts merlind; }
restarted() { [ "$(restarts)" -gt "$1" ] && running; }

scan() { # scan NYxNX OPTIONS...: a complete one, and its file holds what was sent
  merlinctl start --scan "$@" --wait && merlin-file verify "$(newest '*.h5')"
}

configure() {
  cat >/etc/merlind/merlind.yaml
}

configure_well() {
  configure <<'END'
detector: {host: 127.0.0.1}
ring: {size: 64MiB}
recording: {directory: /var/lib/merlind}
virtual_detectors: [{name: dark_field, shape: annulus, inner: 40, outer: 110}]
END
}

# -- as it was installed ---------------------------------------------------------------------------------------------------

not_started() { is ActiveState inactive && is UnitFileState disabled; }
directory_is_the_users() { [ "$(stat -c '%U:%G %a' /var/lib/merlind)" = "merlind:merlind 750" ]; }
is_conffile() { dpkg-query -W -f '${Conffiles}' merlind | seen /etc/merlind/merlind.yaml; }
check "the installation makes the service's user" id merlind
check "the installation neither enables nor starts the service" not_started
check "the recordings' directory belongs to the service and its group" directory_is_the_users
check "the configuration is a conffile" is_conffile
check "the shipped configuration is right" merlind --check-config -c /etc/merlind/merlind.yaml

# -- a day at the microscope -----------------------------------------------------------------------------------------------

systemd-run --quiet --unit=detector merlin-sim --synthetic glass --scan 32x32 --fps 2000 --bank 64
configure_well
check "systemctl start comes back when merlind is ready" systemctl start merlind
check "the service is active" running
if ! running; then # nothing of what follows could succeed
  journalctl -o short-precise -u merlind >/out/journal 2>&1
  echo "FAIL the checks went on"
  echo finished
  exit 0
fi
check "it finds the detector" within 20 idle
check "a scan is recorded, and its file holds what was sent" scan 32x32
recordings_are_private() { [ "$(stat -c '%U %a' "$(newest '*.h5')")" = "merlind 640" ]; }
check "recordings can be read by the service's group, by nobody else" recordings_are_private
in_journal() { # FIELD=VALUE...: is there such an entry of merlind's?
  journalctl -q -o json _SYSTEMD_UNIT=merlind.service "$@" | seen MESSAGE
}
# The processes that read the list and show an old run live under the same rules as the service, with a /tmp that only they see.
list_has_it() { merlinctl --timeout 60 runs --json | seen '"thumbnail": *{'; }
member() { sed -n "s/.*\"$1\": *\"\?\([^\",}]*\).*/\1/p"; } # member NAME: of the JSON object on stdin
old_run_is_shown() {
  local file opened pid control
  file=$(newest '*.h5')
  opened=$(merlinctl --timeout 60 open "$file" --json) || return 1
  pid=$(member pid <<<"$opened")
  control=$(member control <<<"$opened")
  within 60 analysed_anew "$pid" "$control" && grep -q '^Seccomp:[[:space:]]*2' "/proc/$pid/status" &&
    grep -q '^NoNewPrivs:[[:space:]]*1' "/proc/$pid/status" && merlinctl close "$file"
}
analysed_anew() { # PID CONTROL
  nsenter --target "$1" --mount merlinctl -e "$2" status --json | seen '"state": *"idle"' &&
    nsenter --target "$1" --mount merlinctl -e "$2" map dark_field -o /tmp/old_run.npy
}
check "the list of recordings has its picture" list_has_it
check "an old run is opened, analysed anew and closed, in the service's sandbox" old_run_is_shown
run_is_in_journal() {
  local run
  run=$(journalctl -q -o json _SYSTEMD_UNIT=merlind.service | sed -n 's/.*"MERLIND_RUN":"\([0-9a-f-]\{36\}\)".*/\1/p' | tail -n 1)
  [ -n "$run" ] && merlinctl status --json | seen "$run" && in_journal "MERLIND_RUN=$run" PRIORITY=5 MERLIND_COMPONENT=acquisition
}
explained() { journalctl -q -x _SYSTEMD_UNIT=merlind.service MERLIND_COMPONENT=merlind | seen 'Subject: merlind is ready'; }
check "its entries in the journal have fields: those of a run can be asked for" run_is_in_journal
check "journalctl -x explains them" explained
tells_status() { systemctl show -P StatusText merlind | seen idle; }
check "systemctl status tells what it does" within 30 tells_status
reload() {
  printf 'log: {level: debug}\n' >>/etc/merlind/merlind.yaml && systemctl reload merlind &&
    within 30 journal_has 'log.level is debug now'
}
journal_has() { journalctl -u merlind -o cat | seen -- "$1"; }
check "systemctl reload takes over what may change" reload

# A program of the facility's, started by a service that may do very little.
cat >/usr/local/bin/after-scan <<'END'
#!/bin/sh
{ echo "$MERLIND_REASON $MERLIND_FILE"; cat; } >"$STATE_DIRECTORY/hook.new" && mv "$STATE_DIRECTORY/hook.new" "$STATE_DIRECTORY/hook"
END
chmod 755 /usr/local/bin/after-scan
hook_runs() {
  configure_well
  echo 'hooks: {on_scan_end: [/usr/local/bin/after-scan]}' >>/etc/merlind/merlind.yaml
  systemctl reload merlind && scan 8x8 && within 60 grep -q '^complete /var/lib/merlind/.*h5$' /var/lib/merlind/hook
}
check "a program runs after a scan, in the service's sandbox" hook_runs
saves_itself() {
  merlinctl log-level debug && merlinctl save-config && merlind --check-config -c /var/lib/merlind/saved.yaml &&
    grep -q 'level: debug' /var/lib/merlind/saved.yaml && [ "$(stat -c '%U %a' /var/lib/merlind/saved.yaml)" = "merlind 600" ]
  merlinctl log-level info
}
check "the configuration in force is saved in the state directory" saves_itself

# -- what happens ----------------------------------------------------------------------------------------------------------

kill_during_a_scan() {
  local before
  before=$(restarts)
  merlinctl start --scan 128x128 >/dev/null && within 30 state acquiring && sleep 2 &&
    systemctl kill --signal=KILL merlind && within 30 restarted "$before"
}
recovers() {
  local left
  left=$(newest '*.h5.partial')
  [ -n "$left" ] && within 30 journal_has "$left was left by a crash" && merlin-file recover "$left" -o /root/recovered.h5
}
check "killed in the middle of a scan, it is started anew" kill_during_a_scan
check "what the killed one had recorded is told of and recovered" recovers
check "it finds the detector again" within 30 idle
# The detector is still sending what the killed one had started.
check "a detector that is busy is brought back" merlinctl stop
check "and the next scan is recorded" scan 32x32

hang() { # SIGSTOP: nothing moves, as in a deadlock
  local before
  before=$(restarts)
  systemctl kill --signal=STOP merlind && within 60 restarted "$before"
}
mkdir -p /etc/systemd/system/merlind.service.d
printf '[Service]\nWatchdogSec=4\nTimeoutAbortSec=2\n' >/etc/systemd/system/merlind.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart merlind
check "the watchdog lets a merlind that works alone" sleep 6
check "which has not been restarted" is NRestarts 0
check "one that hangs is started anew" hang
# What follows is not about the watchdog: a busy machine must not be taken for one that hangs.
rm /etc/systemd/system/merlind.service.d/watchdog.conf
systemctl daemon-reload
check "and finds the detector" within 30 idle

stop_during_a_scan() {
  merlinctl start --scan 128x128 >/dev/null && within 30 state acquiring && sleep 1 && systemctl stop merlind &&
    is Result success && merlin-file verify "$(newest '*.h5')" && [ -z "$(find /var/lib/merlind -newer /out/mark -name '*.partial')" ]
}
touch /out/mark
check "systemctl stop during a scan closes its file" stop_during_a_scan

wrong_configuration() {
  printf 'rnig: {size: 64MiB}\n' | configure
  ! systemctl start merlind && sleep 5 && is ExecMainStatus 78 && is NRestarts 0 && is ActiveState failed &&
    within 30 journal_has 'rnig'
}
check "a wrong configuration is told with its place and not tried again" wrong_configuration

several() {
  systemctl reset-failed merlind
  configure_well
  sed 's|/var/lib/merlind|/var/lib/merlind/left|' /etc/merlind/merlind.yaml >/etc/merlind/left.yaml
  printf 'control: {endpoint: "tcp://127.0.0.1:7350"}\nresults: {endpoint: "tcp://127.0.0.1:7351"}\nweb: {listen: "127.0.0.1:7380"}\n' \
    >>/etc/merlind/left.yaml
  systemctl start merlind@left && merlinctl -e tcp://127.0.0.1:7350 status
}
check "a second detector has a service of its own" several
systemctl stop merlind@left

# -- and is over -----------------------------------------------------------------------------------------------------------

data_stay() { [ -n "$(newest '*.h5')" ]; }
check "the package is removed" apt-get remove -y merlind
check "recordings survive that" data_stay
check "and it is purged" apt-get purge -y merlind
check "recordings survive that too" data_stay
journalctl -o short-precise -u merlind -u detector -u 'merlind@*' >/out/journal 2>&1
echo finished
