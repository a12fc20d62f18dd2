#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: hawkbit.sh BUILD-DIR
# hawkBit itself, seeded over its Management API. Skipped (77) where Maven or Java is missing, or Maven's repository does not
# give the server.
set -eu
artifact=org.eclipse.hawkbit:hawkbit-update-server:1.0.4 # the last one for Java 17
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libota/hawkbit-1.0.4
jar=$cache/hawkbit-update-server-1.0.4.jar

for program in mvn java; do
    command -v $program >/dev/null || { echo "SKIPPED: there is no $program here, which hawkBit needs"; exit 77; }
done
mkdir -p "$cache"
exec 8>"$cache/lock"
flock 8
if [ ! -s "$jar" ] && ! mvn -q dependency:copy -Dartifact=$artifact -DoutputDirectory="$cache" >"$cache/log" 2>&1; then
    echo "SKIPPED: Maven's repository does not give $artifact (see $cache/log)"
    exit 77
fi
exec 8>&-
exec python3 -B "$(dirname "$0")/hawkbit.py" "$1" "$jar"
