#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: musl_libs.sh FOLDER
# What the core and its tests need, zlib and cmocka, built static with musl-gcc from Debian's source packages into
# FOLDER/{include,lib}. Kept: a second call finds them. Ends with 77 where they cannot be had.
set -euo pipefail

mkdir -p "$1"
TO=$(cd "$1" && pwd)
[ ! -e "$TO/.complete" ] || exit 0
mkdir -p "$TO.src"/{lists/partial,cache/archives/partial}
SRC=$(cd "$TO.src" && pwd)
skip() { echo "Skipped: $1"; exit 77; }
command -v musl-gcc >/dev/null || skip "no musl-gcc"
. /etc/os-release
cat > "$SRC/sources.list" <<EOF
deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $VERSION_CODENAME main
EOF
: > "$SRC/status"
cat > "$SRC/apt.conf" <<EOF
Dir::State::Lists "$SRC/lists";
Dir::State::status "$SRC/status";
Dir::Cache "$SRC/cache";
Dir::Etc::sourcelist "$SRC/sources.list";
Dir::Etc::sourceparts "/dev/null";
Acquire::Languages "none";
EOF
export APT_CONFIG="$SRC/apt.conf"
cd "$SRC"
{ apt-get -q update && apt-get -q source --download-only zlib cmocka; } > log 2>&1 || skip "no source packages: $(tail -n 1 log)"
rm -rf "$TO"
mkdir -p "$TO"/include "$TO"/lib/pkgconfig
for name in zlib cmocka; do
    mkdir -p "$name"
    tar xf "$(find . -maxdepth 1 -name "${name}_*.orig.tar.*" ! -name "*.asc")" -C "$name" --strip-components=1
done
(cd zlib && CC=musl-gcc CFLAGS=-O1 sh ./configure --static && make -s libz.a && cp zlib.h zconf.h "$TO/include" && cp libz.a "$TO/lib") >> log 2>&1
(cd cmocka && musl-gcc -O1 -Iinclude -DHAVE_INTTYPES_H -DHAVE_CLOCK_GETTIME_REALTIME -DHAVE_STRUCT_TIMESPEC -DHAVE_SIGNAL_H -DHAVE_STRINGS_H -c src/cmocka.c -o cmocka.o && ar rcs "$TO/lib/libcmocka.a" cmocka.o && cp include/cmocka*.h "$TO/include") >> log 2>&1
printf 'Name: cmocka\nDescription: unit tests\nVersion: 1.1\nLibs: -L%s -lcmocka\nCflags: -I%s\n' "$TO/lib" "$TO/include" > "$TO/lib/pkgconfig/cmocka.pc"
rm -rf "$SRC"
: > "$TO/.complete"
