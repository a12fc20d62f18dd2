#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: trixie_root.sh FOLDER SOURCE-DIR
# Debian 13 in FOLDER: debootstrap's smallest system, then what scripts/install-deps.sh installs there.
# Kept: a second call finds it. Ends with 77 where it cannot be made.
set -euo pipefail

TO=$1
SOURCE=$2
[ ! -e "$TO/.complete" ] || exit 0
skip() { echo "Skipped: $1"; exit 77; }
command -v debootstrap >/dev/null || skip "no debootstrap"
[ "$(id -u)" -eq 0 ] || skip "debootstrap and chroot need root"
[ ! -e "$TO" ] || rm -rf --one-file-system "$TO"
mkdir -p "$TO"
debootstrap --variant=minbase trixie "$TO" > "$TO.log" 2>&1 || skip "no Debian 13 to be had: $(tail -n 1 "$TO.log")"
mkdir -p "$TO/src"
unshare --mount sh -ec '
    mount --rbind /proc "$1/proc"
    mount --rbind /dev "$1/dev"
    mount --bind "$2" "$1/src"
    chroot "$1" /src/scripts/install-deps.sh core trixie' \
    sh "$TO" "$SOURCE" >> "$TO.log" 2>&1 < /dev/null || skip "no packages of Debian 13: $(tail -n 1 "$TO.log")"
rm -rf "$TO"/var/cache/apt/archives/*.deb
: > "$TO/.complete"
