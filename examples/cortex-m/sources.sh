#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: sources.sh FOLDER
# Fetches Debian's source packages of mbedTLS and zlib into FOLDER/mbedtls and FOLDER/zlib, once. apt checks their signatures; it works
# with lists of its own, so that nothing of the system's changes. Exit 77: they cannot be had here.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
[ ! -e "$dir/complete" ] || exit 0
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
for needed in apt-get dpkg-source; do
    command -v $needed >/dev/null || { echo "Skipped: no $needed"; exit 77; }
done
[ -e $keyring ] || { echo "Skipped: no $keyring"; exit 77; }

# shellcheck source=/dev/null
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
case $suite in bookworm) ;; *) echo "Skipped: mbedtls_config.h is for Mbed TLS 2.28 of Debian 12, not for $suite"; exit 77 ;; esac
mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial" "$dir/get"
: > "$dir/apt/status"
cat > "$dir/apt/sources.list" <<END
deb-src [signed-by=$keyring] http://deb.debian.org/debian $suite main
deb-src [signed-by=$keyring] http://deb.debian.org/debian-security $suite-security main
END
cat > "$dir/apt/apt.conf" <<END
Dir::State::Lists "$dir/apt/lists";
Dir::State::status "$dir/apt/status";
Dir::Cache "$dir/apt/cache";
Dir::Etc::sourcelist "$dir/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
APT::Sandbox::User "";
Acquire::Retries "2";
END
export APT_CONFIG="$dir/apt/apt.conf"
if ! (apt-get -q update && cd "$dir/get" && apt-get -q source --download-only mbedtls zlib) > "$dir/log" 2>&1; then
    tail -n 3 "$dir/log"
    echo "Skipped: Debian's source packages cannot be fetched"
    exit 77
fi
for name in mbedtls zlib; do
    rm -rf "${dir:?}/$name"
    dpkg-source -x "$dir/get/${name}"_*.dsc "$dir/$name" >> "$dir/log" 2>&1 || { tail -n 5 "$dir/log" >&2; exit 1; }
done
: > "$dir/complete"
