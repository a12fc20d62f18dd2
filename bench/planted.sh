#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: planted.sh BUILD-DIR
#
# A bench that cannot miss proves nothing: gives it an agent that takes 32 MiB, asks twice and writes while it is idle,
# and a library that wants 65 KiB, and expects it to notice each of them and to fail.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/b/examples/posix-agent" "$work/b/examples/boot-supervisor" "$work/b/tools" "$work/b/bench"
chmod 755 "$work" # nginx reads it without root's rights
ln -s "$build/examples/boot-supervisor/ota-boot-supervisor" "$work/b/examples/boot-supervisor/"
ln -s "$build/tools/ota-repo" "$work/b/tools/"
ln -s "$build/bench/bench_cost" "$work/b/bench/"

cat >"$work/b/bench/bench_workspace" <<'END'
#!/bin/sh
echo '{"window15": 66560, "window12": 66560, "plain": 66560, "defaults": 66560}'
END

# What is resident before exec counts for the peak. The agent's output stays its own; its child writes beside it.
cat >"$work/b/examples/posix-agent/ota-agent" <<END
#!/usr/bin/env python3
import json, os, sys, time, urllib.request
taken = b'x' * (32 << 20)
if sys.argv[1] == 'run' and os.fork() == 0:
    config = json.load(open(sys.argv[3]))
    url = config['repositories'][0]['metadata_url'] + 'timestamp.json'
    tag = urllib.request.urlopen(url).headers['ETag']
    while os.getppid() != 1 and os.path.isdir(config['state_dir']):
        open(config['state_dir'] + '/planted', 'w').close()
        try:
            urllib.request.urlopen(urllib.request.Request(url, headers={'If-None-Match': tag}))
        except OSError:
            pass
        time.sleep(0.3)
    os._exit(0)
os.execv('$build/examples/posix-agent/ota-agent', sys.argv)
END
chmod 755 "$work/b/bench/bench_workspace" "$work/b/examples/posix-agent/ota-agent"

status=0
"$here/run.sh" "$work/b" --quick --strict >"$work/out" 2>&1 || status=$?
failed=0
for figure in "workspace: full images" "workspace: window 12" "workspace: no deflate" "idle check-in: requests" \
    "idle check-in: files changed" "install: peak RSS"; do
    if ! grep -q "^$figure.* MISSED" "$work/out"; then
        echo "not noticed: $figure"
        failed=1
    fi
done
if [ "$status" -ne 1 ]; then
    echo "exit status $status, expected 1"
    failed=1
fi
[ "$failed" -eq 0 ] || { cat "$work/out"; exit 1; }
echo "bench: all planted faults were noticed"
