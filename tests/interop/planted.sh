#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A comparison that cannot fail proves nothing: the scenarios are played with faulty clients in the place of ota-tuf, and
# each of the faults must be noticed. Usage: planted.sh OTA_TUF BUILD_DIR
set -eu
real=$1
build=$2
here=$(cd "$(dirname "$0")" && pwd)
. "$here/setup.sh"
need_python_tuf
need_tuf_js
work=$(mktemp -d "$build/planted.XXXXXX")
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# noticed NAME SCENARIO TEXT: the client in $work/NAME, a script on standard input after "$real", must make SCENARIO fail
# with TEXT. In the script, after() has the value that follows an option.
noticed() {
    { printf '#!/bin/sh\nreal=%s\nafter() { want=$1; shift; while [ $# -gt 1 ]; do [ "$1" = "$want" ] && echo "$2"; shift; done; }\n' "$real"
      cat; } >"$work/$1"
    chmod 755 "$work/$1"
    mkdir "$work/run"
    status=0
    "$venv/bin/python" -B "$here/scenarios.py" "$work/$1" "$work/run" "$node" "$js" --makers python-tuf --only "$2" >"$work/out" 2>&1 || status=$?
    rm -rf "$work/run"
    if [ "$status" -eq 1 ] && grep -q "^FAIL .*$3" "$work/out"; then
        passed=$((passed + 1))
        echo "ok   noticed: $1"
    else
        failed=$((failed + 1))
        echo "FAIL not noticed ($status): $1"
        cat "$work/out"
    fi
}

noticed "says yes to everything" "rollback: older_timestamp" "ota-tuf accepts" <<'END'
"$real" "$@"; exit 0
END
noticed "says no to everything" "basic: first_refresh" "init: ota-tuf: no" <<'END'
echo "ota-tuf: no" >&2; exit 1
END
noticed "ends with 2" "rollback: older_timestamp" "ended with 2" <<'END'
"$real" "$@" || exit 2
END
noticed "does not say why" "rollback: older_timestamp" "did not say why" <<'END'
"$real" "$@" 2>/dev/null
END
noticed "probes with HEAD" "basic: first_refresh" "HEAD metadata/timestamp.json" <<'END'
url=$(after --metadata-url "$@"); [ -z "$url" ] || curl -sI "${url}timestamp.json" >/dev/null; "$real" "$@"
END
noticed "asks twice" "network: empty_reply" "ota-tuf asks" <<'END'
"$real" "$@" || "$real" "$@"
END
noticed "leaves a draft" "basic: first_refresh" "leaves .*draft" <<'END'
"$real" "$@"; status=$?; : >"$(after --metadata-dir "$@")/.draft"; exit $status
END
noticed "keeps notes among the metadata" "basic: first_refresh" "stores" <<'END'
"$real" "$@"; status=$?; echo '{"signed":{"_type":"state","version":1}}' >"$(after --metadata-dir "$@")/state.json"; exit $status
END
noticed "tidies what it stores" "form: other_forms_of_the_same_file[spaced]" "stores" <<'END'
"$real" "$@"; status=$?; f=$(after --metadata-dir "$@")/targets.json; [ ! -e "$f" ] || printf %s "$(cat "$f")" >"$f"; exit $status
END
noticed "touches a copy that is right" "download: several_targets[consistent]" "touched" <<'END'
"$real" "$@"; status=$?; dir=$(after --target-dir "$@"); [ -z "$dir" ] || touch "$dir"/*; exit $status
END
noticed "forgets the clock" "expiry: at_a_later_time[timestamp]" "ota-tuf accepts" <<'END'
unset LD_PRELOAD; exec "$real" "$@"
END
noticed "brings other bytes" "download: digests_of_targets[sha256]" "is not there" <<'END'
"$real" "$@"; status=$?; dir=$(after --target-dir "$@"); [ -z "$dir" ] || echo x >"$dir/file"; exit $status
END
mkdir "$work/run"
if "$venv/bin/python" -B "$here/scenarios.py" "$real" "$work/run" "$node" "$js" --only "no such scenario" >"$work/out"; then
    failed=$((failed + 1))
    echo "FAIL not noticed: no scenario at all"
else
    passed=$((passed + 1))
    echo "ok   noticed: no scenario at all"
fi
cat >"$work/agrees with nobody" <<END
#!/bin/sh
"$real" "\$@" && exit
case \$* in *init*) exit 1 ;; esac
exit 0
END
chmod 755 "$work/agrees with nobody"
rm -rf "$work/run"
mkdir "$work/run"
if "$venv/bin/python" -B "$here/differential.py" "$work/agrees with nobody" "$work/run" "$node" "$js" "$here/../../fuzz/corpus" --count 5 >"$work/out"; then
    failed=$((failed + 1))
    echo "FAIL not noticed: a client that takes every file"
else
    passed=$((passed + 1))
    echo "ok   noticed: a client that takes every file"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
