#!/bin/bash
# What is installed for systemd: is the unit right, is it locked up well enough, and do the files beside it hold together?
#
#     check_unit.sh [BUILD]
#
# BUILD is a finished build (default: $MERLIND_BUILD, else build/ at the top). Nothing is installed outside of a scratch directory, and no root is needed.
# Exit codes: 0 all is right, 1 something is not, 77 this machine has no systemd-analyze.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-${MERLIND_BUILD:-$top/build}}
failures=0

check() { # WHAT COMMAND...: runs the command and shows what it says when it fails
	local what=$1 output
	shift
	if output=$("$@" 2>&1); then
		echo "ok    $what"
	else
		echo "FAIL  $what"
		printf '%s\n' "$output" | sed 's/^/      /'
		failures=$((failures + 1))
	fi
}

silent() { # COMMAND...: fails also when the command says anything
	local output code=0
	output=$("$@" 2>&1) || code=$?
	printf '%s\n' "$output"
	[ "$code" -eq 0 ] && [ -z "$output" ]
}

installed() { # NAME GLOB: the one installed file that matches
	local found
	found=$(find "$stage" -path "$1" -type f)
	if [ -z "$found" ] || [ "$(printf '%s\n' "$found" | wc -l)" -ne 1 ]; then
		echo "FAIL  installed once: $1 (found: ${found:-nothing})" >&2
		exit 1
	fi
	printf '%s\n' "$found"
}

sysusers_makes_user() { # FILE: in an empty account database, for this machine may have the user already
	mkdir -p "$scratch/root/etc"
	local output
	output=$(systemd-sysusers --dry-run --root="$scratch/root" "$1" 2>&1)
	printf '%s\n' "$output"
	grep -q "Creating user 'merlind'" <<<"$output"
}

is_printed_example() { # FILE
	"$program" --print-example | diff "$1" -
}

records_into_state_directory() {
	local printed
	printed=$("$program" --print-config -c "$config")
	grep "directory: /var/lib/merlind " <<<"$printed" && grep -x "StateDirectory=merlind" "$unit"
}

catalog_is_read() { # FILE: by systemd's own reader, in a root of its own
	local read=$scratch/catalog
	mkdir -p "$read/usr/lib/systemd/catalog" "$read/var/lib/systemd/catalog"
	cp "$1" "$read/usr/lib/systemd/catalog/"
	journalctl --root="$read" --update-catalog && journalctl --root="$read" --dump-catalog >"$scratch/dump" || return
	[ "$(grep -c '^-- [0-9a-f]' "$scratch/dump")" -eq "$(grep -c '"[0-9a-f]\{32\}"' "$top/common/message_id.h")" ]
}

if ! command -v systemd-analyze >/dev/null; then
	echo "systemd-analyze is not here (package systemd)"
	exit 77
fi
if [ ! -d "$build/meson-info" ]; then
	echo "FAIL  $build is no build directory: meson setup build && ninja -C build"
	exit 1
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
stage=$scratch/stage
units=$scratch/units
mkdir -p "$units"

echo "      installing $build below $stage"
if ! DESTDIR=$stage meson install -C "$build" --no-rebuild --quiet >"$scratch/install.log" 2>&1; then
	cat "$scratch/install.log"
	echo "FAIL  meson install"
	exit 1
fi
unit=$(installed '*/systemd/system/merlind.service')
template=$(installed '*/systemd/system/merlind@.service')
config=$(installed '*/merlind/merlind.yaml')
program=$(installed '*/bin/merlind')
sysusers=$(installed '*/sysusers.d/merlind.conf')
tmpfiles=$(installed '*/tmpfiles.d/merlind.conf')
catalog=$(installed '*/systemd/catalog/merlind.catalog')

# The unit names the places after the installation; only there, staged, do its program and its file exist.
for name in merlind.service merlind@.service; do
	sed -E "s|^ExecStart=([^ ]+) -c ([^ ]+)\$|ExecStart=$stage\1 -c $stage\2|" "$(dirname "$unit")/$name" >"$units/$name"
done

check "the unit names the program and the configuration that are installed" \
	grep -qx "ExecStart=$program -c $config" "$units/merlind.service"
check "systemd-analyze verify has nothing to say" \
	silent systemd-analyze verify --man=no "$units/merlind.service"
check "systemd-analyze security: exposure of 2.0 at most" \
	systemd-analyze security --no-pager --offline=true --threshold=20 "$unit"
check "systemd-analyze verify has nothing to say of the unit for one of several detectors" \
	silent systemd-analyze verify --man=no "$units/merlind@left.service"
check "that unit reads the configuration of its name" grep -q -- ' -c .*/merlind/%i.yaml$' "$template"
check "that unit records into a directory of its own" grep -qx 'StateDirectory=merlind/%i' "$template"
check "the installed configuration is right" "$program" --check-config -c "$config"
check "the installed configuration is what merlind --print-example prints" is_printed_example "$config"
check "the installed configuration records into the unit's state directory" records_into_state_directory
check "sysusers makes the unit's user" sysusers_makes_user "$sysusers"
check "tmpfiles makes the state directory for that user" \
	grep -qx 'd /var/lib/merlind 0750 merlind merlind -' "$tmpfiles"
check "the journal's catalog explains every class of message" catalog_is_read "$catalog"

systemd-analyze security --no-pager --offline=true "$unit" 2>/dev/null | tail -n 1 | sed 's/^/      /' || true
[ "$failures" -eq 0 ]
