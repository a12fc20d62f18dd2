#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Image packages against azuresphere-imagemetadata, by the format's own maker: it reads and verifies what ota-repo writes, and
# ota-repo what it writes. Usage: package.sh OTA_REPO BUILD_DIR. Exit 77: it is not to be had here.
set -eu
ota_repo=$1
build=$2
here=$(cd "$(dirname "$0")" && pwd)
. "$here/setup.sh"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libota
mkdir -p "$cache"
need_imagemetadata
work=$(mktemp -d "$build/package.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$imagemetadata/bin/python" -B "$here/package.py" "$ota_repo" "$work"
