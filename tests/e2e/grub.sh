#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: grub.sh make|start DIR                        a device with nothing behind its loader
#        grub.sh disk DIR OPTIONS-OF-A OPTIONS-OF-B    for a device with a system: DIR/loader, a disk that holds GRUB alone; DIR/fs, the
#                                                      first partition of the other disk; DIR/block, which block of it is grubenv
# GRUB itself, Debian's for the PC BIOS, with a script like RAUC's, on an ext2 file system. Nothing is mounted here: before a start
# the bytes of DIR/grubenv are put where the file's block lies on the disk, as writing in place does, and fetched after it.
# start: one start of the device; prints the slot's letter.
set -euo pipefail

DIR=$2

script() # WHAT STARTS A, WHAT STARTS B
{
    cat <<'X'
serial --unit=0 --speed=115200
terminal_output serial
set ORDER="A B"
set A_OK=0
set A_TRY=0
set B_OK=0
set B_TRY=0
load_env
echo "ORDER=$ORDER A=$A_OK/$A_TRY B=$B_OK/$B_TRY"
set slot=
for s in $ORDER; do
  if [ -z "$slot" -a "$s" = A -a "$A_OK" = 1 -a "$A_TRY" = 0 ]; then set slot=A; set A_TRY=1; fi
  if [ -z "$slot" -a "$s" = B -a "$B_OK" = 1 -a "$B_TRY" = 0 ]; then set slot=B; set B_TRY=1; fi
done
if [ -z "$slot" ]; then set slot=A; fi
save_env ORDER A_OK A_TRY B_OK B_TRY
echo "SLOT=$slot."
X
    printf 'if [ "$slot" = A ]; then\n%s\nelse\n%s\nfi\n' "$1" "$2" # GRUB's variable
}

make_loader() # WHERE GRUB'S FILE SYSTEM IS, WHAT STARTS A, WHAT STARTS B
{
    local block
    mkdir "$DIR/boot"
    script "$2" "$3" > "$DIR/boot/grub.cfg"
    grub-mkimage -O i386-pc -p "$1/" -o "$DIR/core.img" biosdisk part_gpt ext2 normal configfile loadenv test echo serial terminal linux halt
    cat /usr/lib/grub/i386-pc/boot.img "$DIR/core.img" > "$DIR/loader"
    truncate -s 4M "$DIR/loader"
    grub-editenv "$DIR/grubenv" create
    grub-editenv "$DIR/grubenv" set "ORDER=A B" A_OK=1 A_TRY=0 B_OK=0 B_TRY=0 saved_entry=0
    cp "$DIR/grubenv" "$DIR/boot/grubenv"
    mke2fs -q -F -t ext2 -b 1024 -d "$DIR/boot" "$DIR/fs" 1M
    block=$(debugfs -R "blocks /grubenv" "$DIR/fs" 2>/dev/null)
    echo $block > "$DIR/block" # one number: the file is one block
}

make_device()
{
    make_loader "(hd1)" halt halt
    echo "rauc.slot=A" > "$DIR/cmdline"
}

start_linux() # PARTITION, OPTIONS
{
    printf 'linux (hd1,gpt%s)/boot/vmlinuz %s\ninitrd (hd1,gpt%s)/boot/initrd\nboot' "$1" "$2" "$1"
}

start()
{
    local block
    block=$(cat "$DIR/block")
    dd if="$DIR/grubenv" of="$DIR/fs" bs=1024 seek="$block" count=1 conv=notrunc status=none
    timeout 120 qemu-system-x86_64 -M pc -m 64 -nographic -nodefaults -serial stdio -nic none \
        -drive "if=ide,index=0,format=raw,file=$DIR/loader" \
        -drive "if=ide,index=1,format=raw,file=$DIR/fs,cache=writethrough" < /dev/null > "$DIR/serial" 2>&1 || true
    dd if="$DIR/fs" of="$DIR/grubenv" bs=1024 skip="$block" count=1 conv=notrunc status=none
    slot=$(tr -d '\r' < "$DIR/serial" | sed -n 's/.*SLOT=\([AB]\)\..*/\1/p' | tail -n 1)
    [ -n "$slot" ] || { tail -n 20 "$DIR/serial" >&2; exit 1; }
    echo "console=ttyS0 rauc.slot=$slot quiet" > "$DIR/cmdline"
    echo "$slot"
}

case $1 in
    make) make_device ;;
    start) start ;;
    disk) make_loader "(hd1,gpt1)" "$(start_linux 2 "$3")" "$(start_linux 3 "$4")" ;;
    *) exit 2 ;;
esac
