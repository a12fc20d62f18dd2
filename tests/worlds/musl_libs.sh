#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: musl_libs.sh FOLDER
# What libota, its tools and its tests need, built static with musl-gcc from Debian's source packages into FOLDER/{include,lib};
# and the kernel's headers, which are anybody's. Kept: a second call finds them. Ends with 77 where they cannot be had.
set -euo pipefail

mkdir -p "$1"
TO=$(cd "$1" && pwd)
[ ! -e "$TO/.complete" ] || exit 0
mkdir -p "$TO.src"/{lists/partial,cache/archives/partial}
SRC=$(cd "$TO.src" && pwd)
skip() { echo "Skipped: $1"; exit 77; }
command -v musl-gcc >/dev/null || skip "no musl-gcc"
. /etc/os-release
cat > "$SRC/sources.list" <<EOT
deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $VERSION_CODENAME main
EOT
: > "$SRC/status"
cat > "$SRC/apt.conf" <<EOT
APT::Sandbox::User "root";
Dir::State::Lists "$SRC/lists";
Dir::State::status "$SRC/status";
Dir::Cache "$SRC/cache";
Dir::Etc::sourcelist "$SRC/sources.list";
Dir::Etc::sourceparts "/dev/null";
Acquire::Languages "none";
EOT
export APT_CONFIG="$SRC/apt.conf" CC=musl-gcc
cd "$SRC"
{ apt-get -q update && apt-get -q source --download-only zlib cmocka cjson mbedtls libdivsufsort curl; } > log 2>&1 ||
    skip "no source packages: $(tail -n 1 log)"
rm -rf "$TO"
mkdir -p "$TO"/include/cjson "$TO"/lib/pkgconfig
for name in zlib cmocka cjson mbedtls libdivsufsort curl; do
    mkdir -p "$name"
    tar xf "$(find . -maxdepth 1 -name "${name}_*.orig.tar.*" ! -name "*.asc")" -C "$name" --strip-components=1
done
cp -r /usr/include/linux /usr/include/asm-generic "/usr/include/$(gcc -print-multiarch)/asm" "$TO/include"
build() { ( cd "$1"; "build_$1" ) >> "$SRC/log" 2>&1 || { tail -n 20 "$SRC/log"; echo "$1 cannot be built"; exit 1; }; }
describe() { printf 'Name: %s\nDescription: %s\nVersion: %s\nLibs: -L%s -l%s\nCflags: -I%s\n' "$1" "$1" "$2" "$TO/lib" "$3" "$TO/include" > "$TO/lib/pkgconfig/$1.pc"; }

build_zlib() { CFLAGS=-O1 sh ./configure --static && make -s libz.a && cp zlib.h zconf.h "$TO/include" && cp libz.a "$TO/lib"; }
build_cmocka()
{
    musl-gcc -O1 -Iinclude -DHAVE_INTTYPES_H -DHAVE_CLOCK_GETTIME_REALTIME -DHAVE_STRUCT_TIMESPEC -DHAVE_SIGNAL_H -DHAVE_STRINGS_H -c src/cmocka.c &&
        ar rcs "$TO/lib/libcmocka.a" cmocka.o && cp include/cmocka*.h "$TO/include"
}
build_cjson() { musl-gcc -O1 -c cJSON.c && ar rcs "$TO/lib/libcjson.a" cJSON.o && cp cJSON.h "$TO/include/cjson"; }
build_mbedtls() { make -s -j2 lib CFLAGS=-O2 && cp library/*.a "$TO/lib" && cp -r include/mbedtls include/psa "$TO/include"; }
build_libdivsufsort()
{
    cp "/usr/include/$(gcc -print-multiarch)/divsufsort.h" "$TO/include" || return 1
    for file in divsufsort sssort trsort utils; do
        musl-gcc -O2 -I"$TO/include" -Iinclude -include stdint.h -include inttypes.h -include stdio.h -include string.h -include stdlib.h -DINLINE=inline \
            -DPROJECT_VERSION_FULL='""' -c "lib/$file.c" || return 1
    done
    ar rcs "$TO/lib/libdivsufsort.a" divsufsort.o sssort.o trsort.o utils.o
}
build_curl()
{
    CPPFLAGS="-I$TO/include" LDFLAGS="-L$TO/lib" ./configure -q --host=x86_64-linux-musl --disable-shared --enable-static --with-mbedtls="$TO" --with-zlib="$TO" \
        --without-zstd --without-brotli --without-libpsl --without-nghttp2 --without-libidn2 --disable-ldap --disable-manual \
        --disable-ftp --disable-telnet --disable-dict --disable-tftp --disable-pop3 --disable-imap --disable-smtp --disable-gopher --disable-mqtt \
        --disable-rtsp --disable-smb --disable-file --prefix="$TO" &&
        make -s -j2 -C lib && cp lib/.libs/libcurl.a "$TO/lib" && cp -r include/curl "$TO/include"
}
for name in zlib cmocka cjson mbedtls libdivsufsort curl; do
    build "$name"
done
describe cmocka 1.1 cmocka
describe libcjson 1.7 cjson
cd "$TO"
rm -rf "$SRC"
: > "$TO/.complete"
