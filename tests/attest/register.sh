#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The boot supervisor extends a register of the identity by what it measured, before that runs: in files, and in a TPM of the test's own,
# whose quote is then checked against the log. Arguments beside common.sh's: OTA_BOOT_SUPERVISOR ATTEST_REGISTER HAS_TPM
. "$(dirname "$0")/common.sh"
supervisor=$5
judge=$6
has_tpm=$7
tpm_pid=
trap '[ -z "$tpm_pid" ] || kill "$tpm_pid" 2>/dev/null; clean' EXIT
not() { ! "$@"; }
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/vendor.pem" 2>>"$work/openssl.log"
openssl pkey -in "$work/vendor.pem" -pubout -out "$work/vendor.pub" 2>>"$work/openssl.log"
# A program that copies what it is told to: it sees what the register and the log are when it runs.
pack() {
    cp "$(command -v sh)" "$work/program" && echo "$2" >>"$work/program" &&
        "$ota_repo" image pack "$work/program" --out "$work/$1" --key "$work/vendor.pem" --component 11111111-2222-3333-4444-555555555555 --name t
}
ok "pack" pack one one
ok "pack" pack two two
fill() { cp "$work/$1" "$work/a" && cp "$work/$1" "$work/b" && truncate -s 1048576 "$work/a" "$work/b" && rm -f "$work/record" "$work/seen"; }
# boot N [OPTIONS]: N starts of a program that has the register judged while it runs
seen="\"$judge\" \"$work/measured\" \$REG \$KIND \"\$WHERE\" >>\"$work/seen\" 2>&1; exit 75"
boot() {
    starts=$1
    shift
    REG=$reg KIND=$kind WHERE=$where "$supervisor" --package-key "$work/vendor.pub" --init a --max-boots "$starts" --measure "os=$work/measured" "$@" \
        "$work/record" "$work/a" "$work/b" -- -c "$seen"
}
saw() { printf '%s\n' "$2" >"$work/expected"; if cmp -s "$work/expected" "$work/seen"; then good; else bad "$1: saw $(cat "$work/seen")"; fi; }
altered() { sed 's/image\/os/image\/or/' "$work/measured" >"$work/altered"; "$judge" "$work/altered" "$reg" "$kind" "$where"; }

# walk OPTION WHERE KIND YES: the same with either back-end
walk() {
    option=$1 where=$2 kind=$3 yes=$4 reg=14
    fill one
    ok "$kind: runs" not boot 1 "$option" "$where" # no more starts allowed
    saw "$kind: extended before it ran" "$yes"
    ok "$kind: an altered log" not altered
    says "$kind: an altered log" "REJECT_HASH"
    rm -f "$work/seen"
    ok "$kind: runs again, twice" not boot 2 "$option" "$where"
    saw "$kind: the same" "$yes
$yes"
    # The register of another number knows nothing of it.
    ok "$kind: another register" not "$judge" "$work/measured" 13 "$kind" "$where"
    reg=3
    fill one
    ok "$kind: a register that was chosen" not boot 1 "$option" "$where" --measure-register 3
    saw "$kind: a register that was chosen" "$yes"
    # Another package in the same start of the device: it runs, but does not pass for the only one.
    fill two
    ok "$kind: another package" not boot 1 "$option" "$where" --measure-register 3
    says "$kind: another package" "register 3 holds more than this start's log"
    ok "$kind: is not hidden" grep -q REJECT_HASH "$work/seen"
    # What extended the register behind the supervisor's back is not hidden, either.
    reg=5
    ok "$kind: something before" "$judge" extend 5 "$kind" "$where"
    fill one
    ok "$kind: after it" not boot 1 "$option" "$where" --measure-register 5
    says "$kind: after it" "register 5 holds more than this start's log"
    ok "$kind: after it" grep -q REJECT_HASH "$work/seen"
}

walk --identity "$work/id" file "holds the log"
# Registers that cannot be read: the package runs, without a log.
printf x >>"$work/id/registers"
fill one
reg=14
ok "damaged registers" not boot 1 --identity "$work/id"
says "damaged registers" "boot: started without evidence: measure.register"
ok "it ran" grep -q "log: DEVICE_ABSENT" "$work/seen"
ok "no log is left" test ! -e "$work/measured"

if [ "$has_tpm" = 1 ] && command -v swtpm >/dev/null; then
    TSS2_LOG=all+none
    export TSS2_LOG
    mkdir "$work/tpm"
    start_tpm() {
        rm -f "$work/s"
        swtpm socket --tpm2 --tpmstate dir="$work/tpm" --server type=unixio,path="$work/s" --ctrl type=unixio,path="$work/s.ctrl" \
            --flags not-need-init,startup-clear >/dev/null 2>&1 &
        tpm_pid=$!
        tries=0
        until "$judge" extend 15 tpm "swtpm:path=$work/s" >"$work/out" 2>&1 || [ $tries -ge 300 ]; do tries=$((tries + 1)); sleep 0.1; done
    }
    stop_tpm() { kill "$tpm_pid"; wait "$tpm_pid" 2>/dev/null; tpm_pid=; }
    start_tpm
    walk --tpm "swtpm:path=$work/s" tpm "quotes the log"
    # The device starts anew, and so do the registers.
    stop_tpm
    start_tpm
    reg=3
    fill two
    ok "tpm: anew" not boot 1 --tpm "$where" --measure-register 3
    saw "tpm: anew" "quotes the log"
    stop_tpm
    fill two
    ok "tpm: away" not boot 1 --tpm "$where"
    says "tpm: away" "boot: started without evidence: identity.tpm"
    ok "tpm: away, it ran" test -s "$work/seen"
    ok "tpm: away, no log" test ! -e "$work/measured"
fi

# Options
for wrong in 16 23 -1 x ""; do
    ok "not a register: $wrong" not boot 1 --identity "$work/id" --measure-register "$wrong"
    says "not a register: $wrong" "usage:"
done
ok "without an identity" not boot 1 --measure-register 3
says "without an identity" "--measure-register: needs --measure, and --identity or --tpm"
finish
