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
mkdir -p "$1"
dir=$(cd "$1" && pwd)
shift
only=$*
root=$dir/.apt
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' | grep '/debian/$' | head -1)}
[ -n "$mirror" ] || { echo "corpus: no Debian mirror in /etc/apt; set DEBIAN_MIRROR" >&2; exit 1; }
mkdir -p "$root/state/lists/partial" "$root/cache/archives/partial" "$root/log" "$root/etc"
: >"$root/etc/status"
for suite in 'bookworm main' 'bookworm-updates main' 'bookworm-backports main' 'trixie main'; do
    echo "deb [arch=arm64,armhf signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite"
done >"$root/etc/sources.list"
cat >"$root/apt.conf" <<END
Dir "$root"; Dir::Etc "$root/etc"; Dir::Etc::sourcelist "sources.list"; Dir::Etc::sourceparts "/dev/null";
Dir::Etc::parts "/dev/null"; Dir::State "$root/state"; Dir::State::status "$root/etc/status"; Dir::Cache "$root/cache";
Dir::Log "$root/log"; APT::Architecture "arm64"; APT::Architectures { "arm64"; "armhf"; }; APT::Sandbox::User "root";
Acquire::Languages "none"; Debug::NoLocking "true";
END
export APT_CONFIG="$root/apt.conf"
[ -e "$root/updated" ] || { apt-get -q update && touch "$root/updated"; }

wanted() { # wanted PAIR
    [ -n "$only" ] || return 0
    case " $only " in *" $1 "*) return 0 ;; esac
    return 1
}

take() { # take PACKAGE=VERSION FILE OUT: one file out of one package
    into=$root/x/$(echo "$1" | tr ':=' '__')
    if [ ! -e "$into/done" ]; then
        rm -rf "$into"
        mkdir -p "$into"
        (cd "$into" && apt-get -q download "$1" && dpkg-deb -x ./*.deb . && touch done) || return 1
    fi
    cp "$into/$2" "$3"
}

pair() { # pair NAME PACKAGE=OLD PACKAGE=NEW FILE [NEWFILE]
    wanted "$1" || return 0
    [ -s "$dir/$1/old" ] && [ -s "$dir/$1/new" ] && return 0
    mkdir -p "$dir/$1"
    if take "$2" "$4" "$dir/$1/old" && take "$3" "${5:-$4}" "$dir/$1/new"; then
        return 0
    fi
    rm -rf "${dir:?}/$1"
    echo "corpus: $1: the archive does not have its packages" >&2
}

made() { # made NAME FROM COMMAND: another pair out of one that is there
    [ -s "$dir/$2/new" ] || return 0
    [ -s "$dir/$1/old" ] && [ -s "$dir/$1/new" ] && return 0
    mkdir -p "$dir/$1"
    for side in old new; do
        "$3" "$dir/$2/$side" "$dir/$1/$side" || { rm -rf "${dir:?}/$1"; return 0; }
    done
}

unhex() { python3 -B "$here/payload.py" hex "$1" "$2"; }
unpack() { python3 -B "$here/payload.py" kernel "$1" "$2"; }
pack() { gzip -9nc "$1" >"$2"; }

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
rm -rf "$root/x"
(cd "$dir" && for p in */; do [ -s "$p/new" ] && sha256sum "${p}old" "${p}new"; done) >"$dir/corpus.sha256"
cat "$dir/corpus.sha256"
