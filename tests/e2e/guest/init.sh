#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the device does after a start: runs the update agent, and restarts when that asks for it. /etc/behaviour is what is wrong
# with this image; /data, which is no slot's, holds the configuration and the agent's state. Lines for the test begin with DEVICE.
export PATH=/bin:/sbin LD_LIBRARY_PATH=/lib

word() { sed -n "s/.*$1=\([^ ]*\).*/\1/p" /proc/cmdline; }

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmpfs /run
mkdir /run/lock
behaviour=$(cat /etc/behaviour)
echo "DEVICE up slot=$(word ota.slot) version=$(cat /etc/version)"
case $behaviour in
    crash) reboot -n -f ;;
    panic) echo c > /proc/sysrq-trigger ;;
    hang) watchdog -T 4 -t 1 /dev/watchdog # it feeds the dog until everything stands still
          sleep 1
          killall -STOP watchdog
          echo "DEVICE hangs"
          while :; do :; done ;;
esac
mount -t ext4 "$(word ota.data)" /data || echo "DEVICE no data"
boot=$(word ota.boot) # "type:device" of what the boot loader reads
[ -z "$boot" ] || mount -t "${boot%%:*}" -o sync "${boot#*:}" /boot || echo "DEVICE no boot"
ifconfig lo 127.0.0.1
ifconfig eth0 10.0.2.15 netmask 255.255.255.0
while :; do
    {
        ota-agent run --verbose --config /data/agent.json
        status=$?
        echo "DEVICE agent left with $status"
        [ $status -ne 3 ] || reboot -n -f
    } 2>&1 | cat # a pipe: no progress is drawn
    sleep 1
done
