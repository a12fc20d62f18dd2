#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: corpus.sh DIR [PAIR...]
#
# Fetches pairs of firmware images out of Debian's packages into DIR/<pair>/old and new: about 400 MB while it runs, less for some
# pairs only (those that are made of others come only with all). Uses
# an apt root of its own, so that the machine's package lists and architectures stay as they are. What is there already
# is not fetched again; a package that the archive does not have any more costs its own pair only.
set -eu
case ${1:-} in
    '' | -*) sed -n '3,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
kind=corpus architectures=arm64,armhf
suites='bullseye bookworm bookworm-updates bookworm-backports trixie'
. "$here/pairs.sh"

pair cm3-ubertooth ubertooth-firmware=2018.12.R1-5.1 ubertooth-firmware=2018.12.R1-5.3 \
    usr/share/ubertooth/firmware/bluetooth_rxtx.dfu
pair arm7-nxt nxt-firmware=1.29.2-1 nxt-firmware=1.29.7-6 usr/share/nxt-firmware/nxt_firmware.bin
pair .microbit firmware-microbit-micropython=1.0.1-2 firmware-microbit-micropython=1.0.1-4 \
    usr/share/firmware-microbit-micropython/firmware.hex
made cm0-microbit .microbit unhex
pair riscv-opensbi opensbi=1.5.1-1~bpo12+2 opensbi=1.6-1 usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.bin
pair arm-uboot u-boot-rpi:armhf=2023.01+dfsg-2+deb12u3 u-boot-rpi:armhf=2025.01-3+deb13u1 usr/lib/u-boot/rpi_4_32b/u-boot.bin
pair thumb-libcrypto libssl3:armhf=3.0.17-1~deb12u2 libssl3:armhf=3.0.20-1~deb12u2 usr/lib/arm-linux-gnueabihf/libcrypto.so.3
linux() { # linux NAME FLAVOUR OLD NEW: two kernels, whose packages carry their version in the name
    wanted "$1" || return 0
    old=linux-image-$3-$2 new=linux-image-$4-$2
    versions=$(apt-cache madison "$old:$5" "$new:$5" | tr -d ' ' | awk -F'|' '!seen[$1]++ { print $1 "=" $2 }')
    pair "$1" "$old:$5=$(echo "$versions" | sed -n "s/^$old=//p")" "$new:$5=$(echo "$versions" | sed -n "s/^$new=//p")" \
        "boot/vmlinuz-$3-$2" "boot/vmlinuz-$4-$2"
}
linux a64-kernel cloud-arm64 6.12.86+deb12 6.12.88+deb12 arm64
made a64-kernel-gz a64-kernel pack
linux .zimage armmp 6.1.0-47 6.1.0-50 armhf
made arm-kernel .zimage unpack
finish
