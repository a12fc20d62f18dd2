#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Read repositories made by ota-repo with another implementation's client. Usage: ota_repo.sh OTA_REPO BUILD_DIR CLIENT
# where CLIENT is python-tuf or tuf-js. Exit 77: it is not to be had here.
set -eu
ota_repo=$1
build=$2
client=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/setup.sh"
need_python_tuf
if [ "$client" = tuf-js ]; then need_tuf_js; fi
work=$(mktemp -d "$build/ota_repo.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$venv/bin/python" -B "$here/ota_repo.py" "$ota_repo" "$work" "$client" "${node:-}" "${js:-}"
