#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: others.sh DIR [PAIR...]
#
# Fetches pairs of images that nothing was tuned on, out of Debian's packages and wheels of PyPI, into DIR/<pair>/old and new: about
# 300 MB while it runs. As corpus.sh, which says the rest.
set -eu
case ${1:-} in
    '' | -*) sed -n '3,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
kind=others architectures=arm64,armhf,armel,amd64,i386
suites='bookworm bookworm-updates trixie'
. "$here/pairs.sh"

wheel() { # wheel NAME PLATFORM PYTHON PACKAGE OLD NEW FILE: a file out of two wheels
    wanted "$1" || return 0
    [ -s "$dir/$1/old" ] && [ -s "$dir/$1/new" ] && return 0
    mkdir -p "$dir/$1" "$root/x"
    for side in "old $5" "new $6"; do
        rm -rf "$root/x/wheel"
        mkdir "$root/x/wheel"
        python3 -m pip -q --disable-pip-version-check download --no-deps --only-binary=:all: --platform "$2" --python-version "$3" \
            --implementation cp --dest "$root/x/wheel" "$4==${side#* }" &&
            python3 -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' \
                "$root"/x/wheel/*.whl "$7" >"$dir/$1/${side%% *}" || {
            rm -rf "${dir:?}/$1"
            echo "others: $1: PyPI does not have its wheels" >&2
            return 0
        }
    done
}

# Small updates: fixes of security within a release.
pair x64-libcrypto libssl3:amd64=3.0.17-1~deb12u2 libssl3:amd64=3.0.20-1~deb12u2 usr/lib/x86_64-linux-gnu/libcrypto.so.3
pair arm-libcrypto libssl3:armel=3.0.17-1~deb12u2 libssl3:armel=3.0.20-1~deb12u2 usr/lib/arm-linux-gnueabi/libcrypto.so.3
pair a64-sshd openssh-server:arm64=1:9.2p1-2+deb12u7 openssh-server:arm64=1:9.2p1-2+deb12u10 usr/sbin/sshd
wheel a64-numpy manylinux2014_aarch64 3.12 numpy 1.26.3 1.26.4 \
    numpy/core/_multiarray_umath.cpython-312-aarch64-linux-gnu.so
wheel arm-rust manylinux_2_31_armv7l 3.12 cryptography 44.0.2 44.0.3 cryptography/hazmat/bindings/_rust.abi3.so
# Large ones: from one release to the next.
pair thumb-busybox busybox:armhf=1:1.35.0-4+deb12u1+b1 busybox:armhf=1:1.37.0-6+b9 bin/busybox usr/bin/busybox
pair i386-sqlite libsqlite3-0:i386=3.40.1-2+deb12u2 libsqlite3-0:i386=3.46.1-7+deb13u2 usr/lib/i386-linux-gnu/libsqlite3.so.0.8.6
pair a64-bl31 arm-trusted-firmware:arm64=2.8.0+dfsg-1 arm-trusted-firmware:arm64=2.12.1+dfsg-1 \
    usr/lib/arm-trusted-firmware/sun50i_a64/bl31.bin
pair riscv-uboot u-boot-qemu=2023.01+dfsg-2+deb12u3 u-boot-qemu=2025.01-3+deb13u1 usr/lib/u-boot/qemu-riscv64/u-boot.bin
pair x86-seabios seabios=1.16.2-1 seabios=1.16.3-2 usr/share/seabios/bios-256k.bin
# No instruction set that is known.
pair xtensa-ath9k firmware-ath9k-htc=1.4.0-108-gd856466+dfsg1-1.3+deb12u1 firmware-ath9k-htc=1.4.0-110-ge888634+dfsg1-0.1 \
    lib/firmware/ath9k_htc/htc_7010-1.4.0.fw usr/lib/firmware/ath9k_htc/htc_7010-1.4.0.fw
pair or1k-crust crust-firmware=0.5-3 crust-firmware=0.6-1 usr/lib/crust-firmware/a64-olinuxino.bin
finish
