# shellcheck shell=bash
# The Debian 12 packages that merlind needs, by purpose, and a function that installs those that are missing.
# Sourced by check.sh, demo.sh and bench.sh.

declare -A PACKAGES=(
  [build]="gcc libc6-dev meson ninja-build pkg-config
    libuv1-dev libzmq3-dev libhdf5-dev libblosc-dev liblz4-dev libjansson-dev libfyaml-dev libpng-dev libtiff-dev libfftw3-dev
    libcairo2-dev libwebsockets-dev libwebsockets-evlib-uv libcbor-dev systemtap-sdt-dev"
  [test]="libcmocka-dev python3 python3-numpy python3-h5py python3-hdf5plugin
    hdf5-filter-plugin-blosc-serial python3-zmq python3-cbor2 python3-fastjsonschema python3-jsonschema python3-matplotlib openssl iproute2
    nftables libfaketime spin
    python3-nbclient python3-ipykernel python3-pip python3-setuptools python3-wheel python3-hyperspy python3-silx python3-dask python3-pil poppler-utils"
  [readers]="python3-venv"
  [style]="git clang-format-14 shellcheck python3"
  [sanitizers]="clang-14 llvm-14 libomp-14-dev libclang-rt-14-dev util-linux"
  [tidy]="clang-tidy-14 clang-14 libomp-14-dev"
  [docs]="scdoc man-db"
  [service]="systemd"
  [container]="debootstrap systemd-container"
  [package]="git build-essential debhelper dh-python dpkg-dev fakeroot lintian scdoc"
  [demo]="python3 python3-h5py python3-hdf5plugin hdf5-filter-plugin-blosc-serial"
  [page]="nodejs npm"
  [browser]="chromium firefox-esr"
  [bench]="python3 python3-zmq python3-h5py python3-hdf5plugin"
)

# Prints the packages of the purposes named, each once.
packages_for() {
  local purpose names
  for purpose in "$@"; do
    read -r -d '' -a names <<<"${PACKAGES[$purpose]}" || true
    printf '%s\n' "${names[@]}"
  done | sort -u
}

# Prints those of the packages on stdin that are not installed.
packages_missing() {
  local package
  while read -r package; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed$' || echo "$package"
  done
}

# install_packages PURPOSE...
# Installs what is missing and says so; says nothing when all is there. Returns 1, with the command to run, when it
# cannot install.
install_packages() {
  local missing=() as_root=() log
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "note: this is not Debian; merlind needs what these Debian packages hold: $(packages_for "$@" | tr '\n' ' ')" >&2
    return 0
  fi
  mapfile -t missing < <(packages_for "$@" | packages_missing)
  if [ "${#missing[@]}" -eq 0 ]; then
    return 0
  fi
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "error: packages are missing and this is not root; run:  apt-get install ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "Installing Debian packages: ${missing[*]}"
  log=$(mktemp)
  if ! {
    "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}"
  } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "error: the installation failed; run:  apt-get update && apt-get install ${missing[*]}" >&2
    return 1
  fi
  rm -f "$log"
}

# What the page is built with, where it is not there from elsewhere (a Node.js of its own maker brings npm, and Debian's
# npm would take it away again).
install_node() {
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    install_packages page
  fi
}
