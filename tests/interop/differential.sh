#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Let tuf-js and ota-tuf judge broken files. Usage: differential.sh OTA_TUF BUILD_DIR CORPUS [--seed N] [--count N]
# Exit 77: tuf-js is not to be had here.
set -eu
ota_tuf=$1
build=$2
corpus=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/setup.sh"
need_python_tuf
need_tuf_js
work=$(mktemp -d "$build/differential.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$venv/bin/python" -B "$here/differential.py" "$ota_tuf" "$work" "$node" "$js" "$corpus" "$@"
