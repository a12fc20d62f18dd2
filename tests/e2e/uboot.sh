#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: uboot.sh make|start DIR        a device with nothing behind its loader
#        uboot.sh flash FILE SECTOR     the loader's flash, for a device with a system
# U-Boot itself, Debian's for QEMU's arm64 board, with RAUC's script over a redundant environment (two copies of 16 KiB, each with
# CRC and flag, as CONFIG_SYS_REDUNDAND_ENVIRONMENT has them). Debian's build keeps its environment in flash, which its QEMU
# cannot write, so the script reads and writes the two copies on the disk: from SECTOR (hexadecimal) on, or on DIR/env.
# start: one start of the device; prints the slot's letter.
set -euo pipefail

BIOS=/usr/lib/u-boot/qemu_arm64/u-boot.bin

script() # SECTORS OF THE TWO COPIES, WHAT STARTS A SLOT. Addresses: copies at 40200000 and 40204000, scratch at 40300000.
{
    printf 's0=%s\ns1=%s\ngo=%s\n' "$1" "$2" "$3"
    cat <<'X'
bootdelay=0
fdt_high=0xffffffff
initrd_high=0xffffffff
rd=virtio read 40200000 ${s0} 40
sum=crc32 ${d} 3ffb 40300000; cp.b 40300003 40300010 1; cp.b 40300002 40300011 1; cp.b 40300001 40300012 1; cp.b 40300000 40300013 1
ok0=setenv d 40200005; run sum; cmp.l 40300010 40200000 1
ok1=setenv d 40204005; run sum; cmp.l 40300010 40204000 1
pick0=setenv cur 40200005; setenv old 40204000; setenv sec ${s1}; setexpr.b flag *40200004
pick1=setenv cur 40204005; setenv old 40200000; setenv sec ${s0}; setexpr.b flag *40204004
newer=setexpr.b f0 *40200004; setexpr.b f1 *40204004; setexpr f0 ${f0} + 1; setexpr f0 ${f0} % 100; if itest ${f0} == ${f1}; then run pick1; else run pick0; fi
choose=if run ok0; then if run ok1; then run newer; else run pick0; fi; else if run ok1; then run pick1; else run fresh; fi; fi
fresh=echo BOTH COPIES CORRUPT; setenv BOOT_ORDER "A B"; setenv BOOT_A_LEFT 3; setenv BOOT_B_LEFT 3; setenv cur; setenv old 40200000; setenv sec ${s0}; setenv flag 0
load=run rd; run choose; if test -n "${cur}"; then env import -b ${cur} 3ffb BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT; fi
save=mw.b ${old} 0 4000; setexpr d ${old} + 5; env export -b -s 3ffb ${d} BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT; setexpr flag ${flag} + 1; setexpr flag ${flag} % 100; setexpr fp ${old} + 4; mw.b ${fp} ${flag}; run sum; cp.b 40300010 ${old} 4; virtio write ${old} ${sec} 20
try_A=if itest ${BOOT_A_LEFT} > 0; then setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1; setenv slot A; setenv part 2; fi
try_B=if itest ${BOOT_B_LEFT} > 0; then setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1; setenv slot B; setenv part 3; fi
tryall=for s in ${BOOT_ORDER}; do if test "x${slot}" = x; then run try_${s}; fi; done
bootcmd=virtio scan; run load; echo ORDER=${BOOT_ORDER} A=${BOOT_A_LEFT} B=${BOOT_B_LEFT}; run tryall; if test "x${slot}" = x; then echo NO TRIES; setenv BOOT_A_LEFT 3; setenv BOOT_B_LEFT 3; run tryall; fi; run save; echo SLOT=${slot}.; run go; echo NO START; reset
X
}

# FILE, then as for script.
make_flash()
{
    script "$2" "$3" "$4" > "$1.script"
    mkenvimage -s 0x40000 -o "$1" "$1.script"
    rm "$1.script"
    truncate -s 64M "$1"
}

# The slot's kernel and the first file system beside it.
# shellcheck disable=SC2016 # U-Boot's variables
START_LINUX='load virtio 0:${part} 40400000 /boot/vmlinuz && load virtio 0:${part} 48000000 /boot/initrd && setenv bootargs "console=ttyAMA0 quiet panic=1 root=/dev/vda${part} ota.slot=${slot} ota.data=/dev/vda4" && booti 40400000 48000000:${filesize} ${fdtcontroladdr}'

make_device()
{
    make_flash "$DIR/flash" 0 20 poweroff
    printf 'BOOT_ORDER=A B\nBOOT_A_LEFT=3\nBOOT_B_LEFT=0\n' > "$DIR/first"
    mkenvimage -r -s 0x4000 -o "$DIR/copy" "$DIR/first"
    cat "$DIR/copy" "$DIR/copy" > "$DIR/env"
    printf '%s 0x0 0x4000\n%s 0x4000 0x4000\n' "$DIR/env" "$DIR/env" > "$DIR/fw_env.config"
    echo "rauc.slot=A" > "$DIR/cmdline"
}

start()
{
    timeout 120 qemu-system-aarch64 -machine virt -cpu cortex-a57 -m 256 -nographic -monitor none -serial stdio -nic none -bios "$BIOS" \
        -drive "if=pflash,format=raw,unit=1,file=$DIR/flash" -device virtio-blk-device,drive=d0 \
        -drive "if=none,id=d0,format=raw,file=$DIR/env,cache=writethrough" < /dev/null > "$DIR/serial" 2>&1 || true
    slot=$(sed -n 's/^SLOT=\([AB]\)\..*/\1/p' "$DIR/serial")
    [ -n "$slot" ] || { tail -n 20 "$DIR/serial" >&2; exit 1; }
    echo "console=ttyAMA0 rauc.slot=$slot quiet" > "$DIR/cmdline"
    echo "$slot"
}

DIR=$2
case $1 in
    make) make_device ;;
    start) start ;;
    flash) make_flash "$2" "$3" "$(printf '%x' $((0x$3 + 0x20)))" "$START_LINUX" ;;
    *) exit 2 ;;
esac
