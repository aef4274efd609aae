#!/usr/bin/env bash
# The Debian package under a real systemd: tests/service/run.sh BASE DIRECTORY
#
# Makes a clean Debian 12 (debootstrap) in BASE, where there is none yet, lays a scratch layer over it, makes the packages
# (package.sh), installs them with apt, boots the whole with systemd-nspawn and lets scenario.sh run in it: the service starts, takes
# scans from the simulator, is killed, stopped in its tracks, given a wrong configuration, removed. Prints "ok NAME" or
# "FAIL NAME: WHY" for every check; what the container said is in DIRECTORY. Exit codes: 0 all is right, 1 not, 77 this machine cannot do it
# (the last line says why).
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
base=$1
out=$2
work=$(mktemp -d)

clean_up() {
  umount "$work/root" 2>/dev/null || true
  umount "$work" 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT

cannot() {
  echo "$1"
  exit 77
}

make_base() {
  [ -e "$base/complete" ] && return
  rm -rf "$base"
  mkdir -p "$base"
  echo "Making a clean Debian 12 in $base"
  # The machine's own mirror, where it has one.
  debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus bookworm "$base/root" >"$out/debootstrap.log" 2>&1 ||
    cannot "debootstrap cannot make a Debian 12 here ($(tail -n 1 "$out/debootstrap.log"))"
  touch "$base/complete"
}

# contain ARGUMENTS...: the root as a container.
contain() {
  timeout --kill-after=10 "${MERLIND_SERVICE_TIME:-480}" systemd-nspawn --quiet --directory="$work/root" --register=no --keep-unit "$@"
}

[ "$(id -u)" -eq 0 ] || cannot "only root can boot a container"
for tool in debootstrap systemd-nspawn; do
  command -v "$tool" >/dev/null || cannot "$tool is not here"
done
mkdir -p "$out"
rm -f "$out"/*
make_base
mount -t tmpfs tmpfs "$work" || cannot "this machine mounts nothing"
mkdir "$work/upper" "$work/scratch" "$work/root" "$work/dist"
mount -t overlay -o "lowerdir=$base/root,upperdir=$work/upper,workdir=$work/scratch" overlay "$work/root" ||
  cannot "this machine mounts no overlay"

"$top/package.sh" "$work/dist" >"$out/package.log" 2>&1 || {
  tail -n 40 "$out/package.log"
  echo "FAIL package.sh makes packages that lintian has nothing to say of"
  exit 1
}
echo "ok package.sh makes packages that lintian has nothing to say of"

mkdir "$work/root/packages"
cp "$work"/dist/merlind_*.deb "$work"/dist/python3-merlind_*.deb "$work/root/packages/"
if ! contain --pipe /bin/sh -c 'apt-get update && apt-get install -y --no-install-recommends /packages/*.deb' \
  >"$out/install.log" 2>&1 </dev/null; then
  tail -n 40 "$out/install.log"
  echo "FAIL the packages install on a clean Debian 12"
  exit 1
fi
echo "ok the packages install on a clean Debian 12"

cp "$top/tests/service/scenario.sh" "$work/root/scenario.sh"
cat >"$work/root/etc/systemd/system/scenario.service" <<'END'
[Unit]
Description=Checks of merlind's service
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/bash /scenario.sh
ExecStopPost=/bin/systemctl poweroff --force
StandardOutput=file:/out/scenario
StandardError=file:/out/scenario.err
[Install]
WantedBy=multi-user.target
END
mkdir -p "$work/root/etc/systemd/system/multi-user.target.wants"
ln -s ../scenario.service "$work/root/etc/systemd/system/multi-user.target.wants/scenario.service"
contain --private-network --bind="$out:/out" --boot >"$out/boot.log" 2>&1 </dev/null || true
[ -s "$out/scenario" ] || cannot "systemd does not boot in a container here ($(tail -n 1 "$out/boot.log" | tr -cd '[:print:]'))"
cat "$out/scenario"
if ! grep -qx finished "$out/scenario"; then
  tail -n 30 "$out/scenario.err" "$out/journal" 2>/dev/null || true
  echo "FAIL the checks ran to their end"
  exit 1
fi
if grep -q '^FAIL' "$out/scenario"; then
  tail -n 80 "$out/journal"
  exit 1
fi
