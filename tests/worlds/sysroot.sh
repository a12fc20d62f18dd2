#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: sysroot.sh ARCH FOLDER
# A folder with the libraries that the tests need, of another Debian architecture (armhf, s390x), for a cross compiler and
# qemu-user: downloaded with a package index of its own and unpacked, so that nothing of this machine is changed. Kept: a
# second call finds it. Ends with 77 where the packages cannot be had.
set -euo pipefail

ARCH=$1
TO=$2
[ ! -e "$TO/.complete" ] || exit 0

mkdir -p "$TO.apt"/{lists/partial,cache/archives/partial}
APT=$(cd "$TO.apt" && pwd)
: > "$APT/status"
. /etc/os-release
# The sources of this machine, whatever form they have; the other architecture has the same ones.
cat > "$APT/apt.conf" <<EOF
APT::Architecture "$ARCH";
APT::Architectures { "$ARCH"; };
Dir::State::Lists "$APT/lists";
Dir::State::status "$APT/status";
Dir::Cache "$APT/cache";
Acquire::Languages "none";
EOF
export APT_CONFIG="$APT/apt.conf"
skip() { echo "Skipped: no packages for $ARCH: $1"; exit 77; }
# A mirror that is being written misses an index now and then: what was had decides.
apt-get -q update > "$APT/log" 2>&1 || true
apt-get -q -y install --download-only --no-install-recommends -o Debug::NoLocking=1 libc6-dev libcurl4-openssl-dev libmbedtls-dev \
    libcjson-dev zlib1g-dev libcmocka-dev >> "$APT/log" 2>&1 || skip "$(tail -n 1 "$APT/log")"
rm -rf "$TO"
mkdir -p "$TO"
for deb in "$APT"/cache/archives/*.deb; do
    dpkg -x "$deb" "$TO"
done
# An absolute link would lead into this machine.
find "$TO" -type l -lname '/*' | while read -r link; do
    ln -sfn "$(realpath -m --relative-to="$(dirname "$link")" "$TO$(readlink "$link")")" "$link"
done
rm -rf "$APT"
: > "$TO/.complete"
