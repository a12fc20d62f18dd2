#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: debs.sh ARCH FOLDER PACKAGE... [-- PACKAGE...]
# Unpacks packages of any Debian architecture in FOLDER: the first ones with all that they depend on, those after "--" alone; a
# kernel's metapackage there stands for the kernel. Downloaded with a package index of its own, so that nothing of this machine is
# changed. Kept: a second call finds it. Ends with 77 where the packages cannot be had.
set -euo pipefail

ARCH=$1
TO=$2
shift 2
[ ! -e "$TO/.complete" ] || exit 0
with=() alone=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do with+=("$1"); shift; done
[ $# -eq 0 ] || { shift; alone=("$@"); }

mkdir -p "$TO.apt"/{lists/partial,cache/archives/partial}
APT=$(cd "$TO.apt" && pwd)
: > "$APT/status"
# The sources of this machine, whatever form they have; the other architecture has the same ones.
cat > "$APT/apt.conf" <<EOF
APT::Architecture "$ARCH";
APT::Architectures { "$ARCH"; };
APT::Sandbox::User "root";
Dir::State::Lists "$APT/lists";
Dir::State::status "$APT/status";
Dir::Cache "$APT/cache";
Acquire::Languages "none";
Acquire::Retries "3";
EOF
export APT_CONFIG="$APT/apt.conf"
skip() { echo "SKIPPED: no packages for $ARCH: $1"; exit 77; }
# A mirror that is being written misses an index now and then: what was had decides.
apt-get -q update > "$APT/log" 2>&1 || true
[ ${#with[@]} -eq 0 ] || apt-get -q -y install --download-only --no-install-recommends -o Debug::NoLocking=1 "${with[@]}" >> "$APT/log" 2>&1 ||
    skip "$(tail -n 1 "$APT/log")"
for package in ${alone[@]+"${alone[@]}"}; do
    kernel=$(apt-cache show "$package" 2>> "$APT/log" | sed -n 's/^Depends: \(linux-image-[^ ,]*\).*/\1/p' | head -n 1)
    (cd "$APT/cache/archives" && apt-get -q download "${kernel:-$package}" >> "$APT/log" 2>&1) || skip "$(tail -n 1 "$APT/log")"
done
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
