#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ota-delta from the command line: cli.sh PROGRAM
set -eu
tool=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
passed=0
check() { if "$@" >out 2>err; then passed=$((passed + 1)); else echo "failed: $*"; cat out err; exit 1; fi; }
# refuses TEXT COMMAND...: exit status 1, the text on standard error, and no file "made"
refuses() {
    text=$1; shift
    status=0; "$@" >out 2>err || status=$?
    if [ "$status" -ne 1 ] || ! grep -q -- "$text" err || [ -e made ]; then
        echo "wanted status 1 and '$text' from: $*; got $status:"; cat out err; ls; exit 1
    fi
    passed=$((passed + 1))
}

head -c 400000 "$tool" >old # a sanitizer makes the whole of it five times as long
{ head -c 20000 old; echo "a line more"; tail -c +20001 old; } >new
check "$tool" create --quiet old new patch
check "$tool" apply old patch made
check cmp new made
rm made
check "$tool" verify old patch
check "$tool" info patch
grep -q "^new-length $(wc -c <new)$" out
check "$tool" create --memory 32K old new patch32
check "$tool" create --memory 32K old new again
check cmp patch32 again
"$tool" info patch32 | awk '$1 == "memory" && $2 <= 32768 { ok = 1 } END { exit !ok }'
[ "$(wc -c <patch)" -lt 2000 ] || { echo "the patch has $(wc -c <patch) bytes"; exit 1; }

: >empty
check "$tool" create --quiet empty new fromempty
check "$tool" apply empty fromempty made
check cmp new made
rm made
check "$tool" create --quiet old empty toempty
check "$tool" apply old toempty made
check cmp empty made
rm made

# The way back, made with it. From here on smaller images will do.
head -c 150000 "$tool" >small
{ head -c 20000 small; echo "a line more"; tail -c +20001 small; } >small2
check "$tool" create --quiet --memory 32K --reverse back small small2 there
check "$tool" verify small there
check "$tool" verify small2 back
"$tool" info back | awk '$1 == "memory" && $2 <= 32768 { ok = 1 } END { exit !ok }'

# A device with one slot, as PORTING.md has it: a slot, a staging area, the patch back. Whatever a power cut leaves, one of the
# two areas is whole, and each patch refuses every slot but its own.
another="slot: not the image that the patch was made from (REJECT_HASH)"
step() { "$tool" apply slot "$1" whole && mv whole staging; } # decode: reads the slot
settle() { cp staging slot; }                                 # copy: reads the staging area
torn() { { head -c 70000 staging; tail -c +70001 slot; } >half && mv half slot; }
cp small slot
check step there
torn
refuses "$another" "$tool" apply slot there made
refuses "$another" "$tool" apply slot back made
check settle
check cmp small2 slot
refuses "$another" "$tool" apply slot there made
check step back
torn
refuses "$another" "$tool" apply slot back made
check settle
check cmp small slot

# A terminal sees how far it is, nobody else does.
shows() { script -qec "$*" /dev/null </dev/null >shown; grep -q 'matching *\[ *\]   0%' shown && grep -q 'done *\[#*\] 100%' shown; }
check shows "$tool" create small small2 there
silent() { ! shows "$@"; }
check silent "$tool" create --quiet small small2 there
"$tool" create small small2 there 2>shown
check test ! -s shown

# In parts: a stretch moved far.
{ tail -c 50000 small; cat small; } >moved
check "$tool" create --quiet --block 64K small moved parts
check "$tool" apply small parts made
check cmp moved made
rm made
[ "$(wc -c <parts)" -lt $(($(gzip -9c moved | wc -c) / 8)) ] || { echo "in parts: $(wc -c <parts) bytes"; exit 1; }

# The same bytes from any number of threads: several plans, learning from the old image, parts.
{ head -c 40000 small; head -c 90000 /dev/zero | tr '\0' x; tail -c +40001 small; } >wide
for how in "" "--memory 20K" "--block 64K"; do
    # shellcheck disable=SC2086
    check "$tool" create --quiet --threads 1 $how small wide alone
    for threads in 2 3 64; do
        # shellcheck disable=SC2086
        check "$tool" create --quiet --threads $threads $how small wide together
        check cmp alone together
    done
done

# gzip's own streams are opened when there is memory for it.
if "$tool" create --quiet --explain small small2 patch3 2>&1 | grep -q "streams opened"; then echo "nothing to open"; exit 1; fi
for level in 6 9; do
    gzip -"$level"nc small >old.gz
    gzip -"$level"nc small2 >new.gz
    check "$tool" create --quiet --explain --memory 1M old.gz new.gz patch.gz
    if grep -q "streams opened: 1 of the old image, 1 of the new one" err; then
        [ "$(wc -c <patch.gz)" -lt 1000 ] || { echo "opened: $(wc -c <patch.gz) bytes"; exit 1; }
        opened=$level
    fi
    check "$tool" apply old.gz patch.gz made
    check cmp new.gz made
    rm made
done
[ "${opened:-}" = 9 ] || [ "${REPACK:-1}" = 0 ] || { echo "gzip's streams were not opened"; exit 1; }

refuses "new: not the image that the patch was made from (REJECT_HASH)" "$tool" apply new patch made
refuses "absent: cannot open: No such file" "$tool" apply absent patch made
refuses "REJECT_SYNTAX" "$tool" apply old new made
head -c $(($(wc -c <patch) - 7)) patch >cut
refuses "cut: .*REJECT" "$tool" apply old cut made
{ cat patch; echo; } >longer
refuses "longer: .*REJECT" "$tool" apply old longer made
refuses "empty: .*REJECT_CORRUPT" "$tool" apply old empty made
refuses "not a regular file" "$tool" create . new made
refuses "cannot create beside it" "$tool" apply old patch nowhere/made
refuses "memory" "$tool" create --memory 1K old new made
refuses "memory" "$tool" create --memory
refuses "block needs" "$tool" create --block 1K old new made
refuses "threads needs" "$tool" create --threads 0 old new made
refuses "threads needs" "$tool" create --threads 65 old new made
refuses "threads needs" "$tool" create --threads
refuses "reverse needs" "$tool" create --reverse
refuses "unknown option" "$tool" create --fast old new made
refuses "wrong number" "$tool" create old new
refuses "command is missing" "$tool"
[ -z "$(find . -name '*.??????' -newer new)" ] || { echo "temporary files are left:"; ls; exit 1; }
echo "$passed passed"
[ "$passed" -ge 67 ]
