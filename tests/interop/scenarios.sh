#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Play the table of scenarios. Usage: scenarios.sh OTA_TUF BUILD_DIR MAKER [--only TEXT]
# Exit 77: the other implementations are not to be had here.
set -eu
ota_tuf=$1
build=$2
maker=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/setup.sh"
need_python_tuf
need_tuf_js
work=$(mktemp -d "$build/scenarios.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$venv/bin/python" -B "$here/scenarios.py" "$ota_tuf" "$work" "$node" "$js" --makers "$maker" "$@"
