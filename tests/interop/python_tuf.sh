#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Read repositories made by ota-repo with python-tuf's client.
# Usage: python_tuf.sh OTA_REPO BUILD_DIR. Exit 77: python-tuf is not to be had here.
set -eu
ota_repo=$1
build=$2
here=$(cd "$(dirname "$0")" && pwd)
venv=$build/venv
# "6" brought Updater(bootstrap=...); a newer major version may change the interface.
package='tuf>=6,<8'
# Without it python-tuf checks no ECDSA signature.
crypto='securesystemslib[crypto]'

if ! "$venv/bin/python" -c 'import tuf.ngclient, cryptography' 2>/dev/null; then
    rm -rf "$venv"
    if ! python3 -m venv "$venv" >"$build/venv.log" 2>&1 ||
       ! "$venv/bin/pip" install --quiet --disable-pip-version-check "$package" "$crypto" >>"$build/venv.log" 2>&1; then
        echo "SKIPPED: cannot install $package from the Python package registry (see $build/venv.log)"
        exit 77
    fi
fi
work=$(mktemp -d "$build/python_tuf.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$venv/bin/python" "$here/python_tuf.py" "$ota_repo" "$work"
