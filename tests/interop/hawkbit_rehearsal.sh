#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: hawkbit_rehearsal.sh BUILD-DIR
# hawkbit.sh as it is, but for Maven and Java: stand-ins of these start the scripted server. So what would drive hawkBit itself
# has been run. A Maven that gives nothing must be skipped in one sentence.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d /tmp/ota-rehearsal-XXXXXX)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/bin"

printf '#!/bin/sh\nexit 1\n' >"$dir/bin/mvn"
printf '#!/bin/sh\nfor word; do case $word in --server.port=*) port=${word#*=} ;; esac; done\nexec python3 -B %s/../hawkbit/server.py %s/ready --port "$port"\n' \
    "$here" "$dir" >"$dir/bin/java"
chmod +x "$dir/bin/mvn" "$dir/bin/java"
export PATH="$dir/bin:$PATH" XDG_CACHE_HOME="$dir/cache"

status=0
said=$("$here/hawkbit.sh" "$1") || status=$?
[ "$status" -eq 77 ] && [ "$(printf '%s\n' "$said" | wc -l)" -eq 1 ] && [ "${said#SKIPPED: Maven}" != "$said" ] ||
    { echo "FAILED: without the server: status $status, \"$said\""; exit 1; }
echo "passed: $said"

printf '#!/bin/sh\necho jar >"%s"\n' "$dir/cache/libota/hawkbit-1.0.4/hawkbit-update-server-1.0.4.jar" >"$dir/bin/mvn"
"$here/hawkbit.sh" "$1"
