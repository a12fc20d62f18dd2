#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: sysroot.sh ARCH FOLDER
# A folder with the libraries that the build and the tests need, of another Debian architecture, for a cross compiler and qemu-user.
# Kept: a second call finds it. Ends with 77 where the packages cannot be had.
exec "$(dirname "$0")/../support/debs.sh" "$1" "$2" libc6-dev libcurl4-openssl-dev libmbedtls-dev libcjson-dev zlib1g-dev \
    libcmocka-dev libdivsufsort-dev libsodium-dev libubootenv-dev
