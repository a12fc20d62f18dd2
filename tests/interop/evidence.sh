#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: evidence.sh EVIDENCE-TOOL BUILD-DIR. Exit 77: skipped, the packages cannot be installed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tool=$1
build=$2
. "$here/setup.sh"
need_python_tokens
exec "$venv/bin/python" -B "$here/evidence.py" "$tool"
