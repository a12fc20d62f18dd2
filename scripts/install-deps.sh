#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that the build, the tests and the demo need. Nothing else in this tree installs anything.
#
#   scripts/install-deps.sh GROUP...      groups: core (build, unit tests, demo)  check (make check)  ci (.ci/run)
#                                         mcdc (.ci/run's MC/DC figures, which can be done without)
#                                         mcu (tests/cortex-m: a microcontroller in QEMU)
#                                         e2e (make e2e)  worlds (tests/worlds)  trixie (what that adds to core in its Debian 13)
#                                         bench (make bench-delta: the peers, and what their corpus is unpacked with)
#
# Cheap to call: when everything is there it asks dpkg once and never touches the network. Needs root, or sudo.
set -eu

# "a|b" is satisfied by either; the first that this Debian release offers is installed.
core='gcc libc6-dev cmake ninja-build make pkg-config|pkgconf python3|python3-minimal
      libcurl4-openssl-dev libmbedtls-dev libcjson-dev zlib1g-dev libzstd-dev libdivsufsort-dev libsodium-dev libcmocka-dev libubootenv-dev nginx-light|nginx openssl ca-certificates curl'
check='libtss2-dev libtss2-tcti-swtpm0|libtss2-tcti-swtpm0t64 swtpm tpm2-tools
       python3 g++ clang libclang-rt-14-dev|libclang-rt-dev llvm gcc-arm-none-eabi libnewlib-arm-none-eabi binutils git mandoc rsync'
ci='systemd cpio clang-tidy clang-format gcovr faketime python3-venv strace valgrind libssl-dev grub-common spin swupdate'
mcdc='clang-19 llvm-19 libclang-rt-19-dev'
mcu='qemu-system-arm gcc-arm-none-eabi libnewlib-arm-none-eabi dpkg-dev xz-utils bzip2'
e2e='qemu-system-arm qemu-system-x86 qemu-utils seabios ovmf u-boot-qemu u-boot-tools grub-pc-bin grub-common systemd-boot-efi e2fsprogs dosfstools mtools fdisk cpio
     gcc-aarch64-linux-gnu libc6-dev-arm64-cross'
worlds='gcc-arm-linux-gnueabihf libc6-dev-armhf-cross gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user musl-tools debootstrap'
trixie='clang'
bench='bsdiff xdelta3 zstd rdiff casync zchunk python3-venv gzip xz-utils dpkg squashfs-tools e2fsprogs'

usage() { sed -n '3,9s/^# \{0,1\}//p' "$0"; }
die() { echo "install-deps: $*" >&2; exit 1; }

wanted=
for group in "$@"; do
    case $group in
        core) wanted="$wanted $core" ;;
        check) wanted="$wanted $check" ;;
        ci) wanted="$wanted $ci" ;;
        mcdc) wanted="$wanted $mcdc" ;;
        mcu) wanted="$wanted $mcu" ;;
        e2e) wanted="$wanted $e2e" ;;
        worlds) wanted="$wanted $worlds" ;;
        trixie) wanted="$wanted $trixie" ;;
        bench) wanted="$wanted $bench" ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done
[ -n "$wanted" ] || { usage >&2; exit 2; }
command -v dpkg-query >/dev/null || die "this is not Debian; install the equivalent of: $(echo $wanted)"

installed=" $(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | tr '\n' ' ') "
is_installed() { case $installed in *" $1 "*) return 0 ;; esac; return 1; }

any_installed() { # any_installed "a|b"
    for name in $(echo "$1" | tr '|' ' '); do
        if is_installed "$name"; then return 0; fi
    done
    return 1
}

missing=
for choice in $wanted; do
    any_installed "$choice" || missing="$missing $choice"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "not root and no sudo; ask an administrator for: $(echo $missing)"
    as_root=sudo
fi
apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@"; }

echo "install-deps: to install:$missing"
apt update

chosen=
for choice in $missing; do
    found=
    for name in $(echo "$choice" | tr '|' ' '); do
        if apt-cache policy "$name" | grep -q 'Candidate: [^(]'; then found=$name; break; fi
    done
    [ -n "$found" ] || die "apt offers none of: $choice"
    chosen="$chosen $found"
done

# The demo and the tests start an nginx of their own on the loopback; the system's must neither start now nor at boot.
# A policy that the machine already has stays as it is.
policy=/usr/sbin/policy-rc.d
made_policy=
remove_policy() { [ -z "$made_policy" ] || $as_root rm -f "$policy"; }
trap remove_policy EXIT
trap 'exit 1' HUP INT TERM
if [ ! -e "$policy" ]; then
    made_policy=1
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
fi
had_nginx=
if is_installed nginx || is_installed nginx-light; then had_nginx=1; fi

apt install -y --no-install-recommends $chosen </dev/null

if [ -z "$had_nginx" ] && [ -x /etc/init.d/nginx ]; then
    $as_root update-rc.d nginx disable >/dev/null 2>&1 || die "could not disable the system's nginx service"
fi
