#!/bin/sh
# Prints the path of a usable nats-server (2.9 or newer) and, when this machine has none, gets one first:
# the pinned official release, verified, into .tools/bin of the repository; else by the system's package manager.
# Standard output carries the path only; everything else goes to standard error. Exit code 1: none could be had.
#
#   NATS_SERVER   a nats-server to use; nothing else is looked at then
set -eu

version=2.12.5
release=https://github.com/nats-io/nats-server/releases/download/v$version
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
tools=$root/.tools/bin
work=

say() { echo "setup-nats: $*" >&2; }

cleanup() { if [ -n "$work" ]; then rm -rf "$work"; fi; }
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

# is_usable PATH: it runs and is 2.9 or newer ("nats-server: v2.9.10").
is_usable() {
  [ -x "$1" ] || return 1
  found=$("$1" --version 2>/dev/null | sed -n 's/^nats-server:* *v*\([0-9][0-9]*\)\.\([0-9][0-9]*\).*/\1 \2/p')
  case $found in
    '') return 1 ;;
    0\ * | 1\ * | 2\ [0-8]) say "$1 is too old, 2.9 is needed" && return 1 ;;
  esac
}

# Package managers install into sbin, which is not on everybody's PATH; Homebrew has a place of its own.
find_installed() {
  for candidate in "$(command -v nats-server 2>/dev/null || true)" /usr/sbin/nats-server /usr/local/sbin/nats-server \
    /usr/local/bin/nats-server /opt/homebrew/bin/nats-server "$tools/nats-server"; do
    if [ -n "$candidate" ] && is_usable "$candidate"; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

# fetch URL FILE: gives up after 10 seconds without a connection and after 3 minutes in all.
fetch() {
  if command -v curl >/dev/null 2>&1; then
    curl --fail --silent --show-error --location --proto '=https' --connect-timeout 10 --max-time 180 --output "$2" "$1" >&2
  elif command -v wget >/dev/null 2>&1; then
    limited wget --quiet --timeout=10 --tries=1 --output-document="$2" "$1" >&2
  else
    say 'neither curl nor wget is installed'
    return 1
  fi
}

# limited COMMAND…: wget has no limit for the whole download.
limited() {
  if command -v timeout >/dev/null 2>&1; then timeout 180 "$@"; else "$@"; fi
}

sha256_of() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# Prints "<os>-<arch>" as the releases name it.
platform() {
  case $(uname -s) in
    Linux) os=linux ;;
    Darwin) os=darwin ;;
    *) return 1 ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) echo "$os-amd64" ;;
    aarch64 | arm64) echo "$os-arm64" ;;
    *) return 1 ;;
  esac
}

# expected_sum PLATFORM ARCHIVE: the archive's SHA-256.
expected_sum() {
  case $1 in
    linux-amd64) echo f1967bea3fbf6c86273f1a2edf5be65165d795716ae1ac2a14824f19cdc35c20 ;;
    linux-arm64) echo 85caf0500b011a31b105fb04992cb350236e2d5935a4d2ea7cc1efe9203aafc2 ;;
    *)
      # For macOS no sum is pinned here, only the version: the release's own list, over TLS from the release itself,
      # shows a broken download, and vouches for the archive as far as the release can be trusted.
      fetch "$release/SHA256SUMS" "$work/SHA256SUMS" || return 1
      awk -v name="$2" '$2 == name || $2 == "*" name { print $1 }' "$work/SHA256SUMS"
      ;;
  esac
}

# A temporary folder beside the final place, so that the move at the end is atomic.
new_work() {
  cleanup
  mkdir -p "$tools" && work=$(mktemp -d "$tools/.setup.XXXXXX")
}

# place FILE: moves a program that works to its final place.
place() { is_usable "$1" && mv -f "$1" "$tools/nats-server"; }

# Puts the pinned release into .tools/bin.
download() {
  target=$(platform) || { say "there is no release for $(uname -s) $(uname -m)" && return 1; }
  name=nats-server-v$version-$target
  case $target in
    darwin-*) archive=$name.zip ;;
    *) archive=$name.tar.gz ;;
  esac
  new_work || return 1
  say "downloading $release/$archive"
  fetch "$release/$archive" "$work/$archive" || return 1
  wanted=$(expected_sum "$target" "$archive") || return 1
  if [ -z "$wanted" ] || [ "$(sha256_of "$work/$archive")" != "$wanted" ]; then
    say "the checksum of $archive is not the expected one; it is thrown away"
    return 1
  fi
  case $archive in
    *.zip) unzip -q "$work/$archive" -d "$work" >&2 || return 1 ;;
    *) tar -xzf "$work/$archive" -C "$work" >&2 || return 1 ;;
  esac
  place "$work/$name/nats-server"
}

# as_root COMMAND…: as root, or by sudo where that needs no password or somebody is there to type it.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif ! command -v sudo >/dev/null 2>&1; then
    say "not root, and there is no sudo: cannot run $*"
    return 1
  elif [ -t 0 ] && [ -t 2 ]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

# Unpacks the distribution's package into .tools/bin. Installing it would also start its service on port 4222, and would
# need root; this needs root only where the package lists were never fetched.
apt_unpack() {
  new_work || return 1
  apt_download || { as_root apt-get -qq -o Acquire::http::Timeout=20 update && apt_download; } || return 1
  dpkg-deb -x "$work"/nats-server_*.deb "$work/package" || return 1
  place "$work/package/usr/sbin/nats-server"
}

apt_download() (
  cd "$work" && apt-get -qq -o Acquire::http::Timeout=20 -o Acquire::Retries=1 -o APT::Sandbox::User=root download nats-server
)

package_manager() {
  if command -v brew >/dev/null 2>&1; then
    say 'installing nats-server with brew' && brew install nats-server
  elif command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1; then
    say 'getting nats-server with apt-get' && apt_unpack
  elif command -v dnf >/dev/null 2>&1; then
    say 'installing nats-server with dnf' && as_root dnf -q -y install nats-server
  elif command -v apk >/dev/null 2>&1; then
    say 'installing nats-server with apk' && as_root apk add --quiet nats-server
  elif command -v pacman >/dev/null 2>&1; then
    say 'installing nats-server with pacman' && as_root pacman -S --noconfirm --needed nats-server
  else
    return 1
  fi >&2
}

if [ -n "${NATS_SERVER:-}" ]; then
  if is_usable "$NATS_SERVER"; then
    echo "$NATS_SERVER"
    exit 0
  fi
  say "NATS_SERVER is $NATS_SERVER, which is not a nats-server of 2.9 or newer"
  exit 1
fi

if find_installed; then exit 0; fi
if download && find_installed; then exit 0; fi
say 'the release could not be used; trying the package manager'
if package_manager && find_installed; then exit 0; fi
say "no nats-server could be had. Install nats-server 2.9 or newer (Debian, Ubuntu: apt-get install nats-server;"
say "macOS: brew install nats-server; else https://github.com/nats-io/nats-server/releases) and put it on the PATH,"
say 'or name it in NATS_SERVER.'
exit 1
