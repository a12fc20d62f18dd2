#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# First program of a device's kernel, in the small file system beside it in a slot: brings the drivers, then goes on in the slot.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in /modules/*.ko; do
    insmod "$module" || echo "DEVICE no $module"
done
root=$(sed -n 's/.*root=\([^ ]*\).*/\1/p' /proc/cmdline)
mount -t ext4 -o ro "$root" /root
umount /dev /proc
exec switch_root /root /sbin/init
