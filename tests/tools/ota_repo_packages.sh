#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# image pack, show, verify and manifest show, convert, deployment: what they say, and what they refuse.
. "$(dirname "$0")/support.sh"
id=01234567-89ab-cdef-0123-456789abcdef
other=11111111-89AB-CDEF-0123-456789ABCDEF
file=$work/app.pkg
plain() { "$ota_repo" "$@" >"$work/out" 2>"$work/err"; }
# refuses STATUS TEXT ARGUMENTS...: without a publisher's directory
refuses() {
    status=$1 text=$2
    shift 2
    plain "$@"
    got=$?
    if [ "$got" -eq "$status" ] && grep -qF -e "$text" "$work/err"; then good; else bad "'$*': exit $got, expected $status with: $text"; fi
}
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:"$2" -out "$work/$1.pem" 2>/dev/null && openssl pkey -in "$work/$1.pem" -pubout -out "$work/$1.pub"; }
pack() { plain image pack "$1" --out "$2" --key "$work/p256.pem" --component "$id" --now 2026-01-02T03:04:05Z; }
signed() { # signed FILE KEY HASH SIZE: by the word of another program
    head -c -"$4" "$1" >"$work/body"
    tail -c "$4" "$1" | python3 -c 'import sys
raw = sys.stdin.buffer.read(); n = len(raw) // 2
def integer(b):
    b = b.lstrip(b"\0") or b"\0"; b = b"\0" * (b[0] >> 7) + b
    return bytes([2, len(b)]) + b
body = integer(raw[:n]) + integer(raw[n:])
sys.stdout.buffer.write(bytes([0x30, len(body)]) + body)' >"$work/sig"
    openssl dgst "-$3" -verify "$work/$2.pub" -signature "$work/sig" "$work/body" >/dev/null
}

ok "keys" key p256 P-256
ok "more keys" key p384 P-384
ok "and a stranger's" key stranger P-256
seq 1 3000 >"$work/app.img"

ok "pack" plain image pack "$work/app.img" --out "$file" --key "$work/p256.pem" --component "$id" --image "$other" --name thermostat \
    --depends application=5 --provides 4096=7 --security 4 --temporary 2 --policy 1 --flash-offset 65536 --uncompressed 99 --now 2026-01-02T03:04:05Z
ok "signed" signed "$file" p256 sha256 64
ok "show" plain image show "$file"
for line in "type        application" "component   $id" "image       11111111-89ab-cdef" "name        thermostat, built 2026-01-02T03:04:05Z" \
    "ecdsa-p256" "depends     application=5" "provides    4096=7" "security    4" "temporary   2" "uncompressed 99" "flash-offset 65536" "policy      1" \
    "sections    ID(36) SG(24) DB(40) TP(4) ND(12) NP(12) CM(8) RV(4) RO(4) IP(4)"; do
    ok "says: $line" says "$line"
done
ok "json" plain image show "$file" --json
ok "has it" test "$(member component)$(member security)" = "${id}4"
ok "the thumbprint is the key's" test "$(member thumbprint)" = "$(openssl pkey -pubin -in "$work/p256.pub" -outform DER | sha1sum | cut -d' ' -f1)"
ok "verify" plain image verify "$file" --key "$work/p256.pub" --component "$id" --security 4 --provided application=6 --temporary 2 --compressed
refuses 1 "package.signature: REJECT_SIGNATURE" image verify "$file" --key "$work/stranger.pub" --temporary 2 --compressed
refuses 1 "package.signature.type: REJECT_KEY" image verify "$file" --key "$work/p384.pub"
refuses 1 "package.identity.component: REJECT_COMPONENT" image verify "$file" --key "$work/p256.pub" --component "$other"
refuses 1 "package.temporary: REJECT_VALUE" image verify "$file" --key "$work/p256.pub"
refuses 1 "package.compression: REJECT_CODEC" image verify "$file" --key "$work/p256.pub" --temporary 2
refuses 1 "package.security: REJECT_SECURITY" image verify "$file" --key "$work/p256.pub" --temporary 2 --compressed --security 5
refuses 1 "package.abi_depends: REJECT_REQUIRES" image verify "$file" --key "$work/p256.pub" --temporary 2 --compressed --provided application=4
refuses 1 "not a P-256 or P-384 public key" image verify "$file" --key "$work/p256.pem"

# --- another signer, other sections; the rest stays, what is unknown to the last byte
printf '4X4M\003\000\000\000ID\044\000\012\000\000\000%sSG\030\000%s\001\000\000\000zz\003\000odd' 0123456789abcdefFEDCBA9876543210 12345678901234567890 >"$work/trailer"
{ printf 'body'; cat "$work/trailer"; printf '\127\000\000\000'; head -c 64 /dev/zero; } >"$work/hand.pkg"
ok "a package made by hand" plain image show "$work/hand.pkg"
ok "with a section nobody knows" says "zz(3)"
ok "keep" plain image pack "$work/hand.pkg" --keep --out "$work/kept.pkg" --key "$work/p384.pem" --security 9
ok "its section stays" grep -qaF "zz$(printf '\003')" "$work/kept.pkg"
ok "and the body, and the identity" test "$(head -c 56 "$work/kept.pkg" | cksum)" = "$(head -c 8 "$work/hand.pkg" >"$work/a"; { cat "$work/a"; printf '\004'; tail -c +10 "$work/hand.pkg" | head -c 47; } | cksum)"
ok "signed with the other kind" signed "$work/kept.pkg" p384 sha384 96
ok "verify it" plain image verify "$work/kept.pkg" --key "$work/p384.pub" --security 9
ok "a certificate in PEM" sh -c "openssl req -x509 -key '$work/p256.pem' -subj /CN=test -days 1 -out '$work/cert.pem' && openssl x509 -in '$work/cert.pem' -outform DER -out '$work/cert.der'"
for form in pem der; do
    ok "names its signer ($form)" plain image pack "$work/app.img" --out "$file" --key "$work/p256.pem" --component "$id" --certificate "$work/cert.$form"
    ok "show" plain image show "$file" --json
    ok "by its SHA-1" test "$(member thumbprint)" = "$(sha1sum <"$work/cert.der" | cut -d' ' -f1)"
done

# --- what it refuses, with no file made
rm -f "$file"
refuses 2 "--component: is missing" image pack "$work/app.img" --out "$file" --key "$work/p256.pem"
refuses 2 "--component: \"x\" is not like" image pack "$work/app.img" --out "$file" --key "$work/p256.pem" --component x
refuses 2 "--type: \"toaster\" is no image type" image pack "$work/app.img" --out "$file" --key "$work/p256.pem" --component "$id" --type toaster
refuses 2 "--depends: \"os\" is not TYPE=VERSION" image pack "$work/app.img" --out "$file" --key "$work/p256.pem" --component "$id" --depends os
refuses 2 "--depends: \"os=-1\" is not" image pack "$work/app.img" --out "$file" --key "$work/p256.pem" --component "$id" --depends os=-1
refuses 2 "--name: " image pack "$work/app.img" --out "$file" --key "$work/p256.pem" --component "$id" --name "$(printf 'x%.0s' $(seq 32))"
refuses 1 "package.debug.name: REJECT_VALUE" image pack "$work/app.img" --out "$file" --key "$work/p256.pem" --component "$id" --name "$(printf 'a\tb')"
refuses 1 "not a P-256 or P-384 private key" image pack "$work/app.img" --out "$file" --key "$work/p256.pub" --component "$id"
refuses 1 "$work/none: " image pack "$work/none" --out "$file" --key "$work/p256.pem" --component "$id"
: >"$work/empty"
refuses 1 "$work/empty: is empty" image pack "$work/empty" --out "$file" --key "$work/p256.pem" --component "$id"
refuses 1 "package.trailer: REJECT_MISSING" image pack "$work/app.img" --keep --out "$file" --key "$work/p256.pem"
refuses 1 "not a certificate" image pack "$work/app.img" --out "$file" --key "$work/p256.pem" --component "$id" --certificate "$work/p256.pub"
ok "no file was made" test ! -e "$file"
refuses 2 "--dir: is missing" image list
refuses 1 "package.trailer: REJECT_MISSING" image show "$work/app.img"

# --- manifests
seq 1 9000 >"$work/os.img"
mkdir "$work/set"
ok "pack an app" pack "$work/app.img" "$work/set/app.pkg"
ok "pack an OS" plain image pack "$work/os.img" --out "$work/set/os.pkg" --key "$work/p256.pem" --component "$other" --type root-fs
cp "$work/app.img" "$work/set/notes.txt"
manifest() { # manifest BYTES-OF-AN-ENTRY PACKAGE...: as Azure Sphere writes it, or with digests
    python3 - "$@" <<'EOS' >"$work/manifest"
import hashlib, struct, sys
size, files = int(sys.argv[1]), sys.argv[2:]
out = struct.pack('<HHHHQ', 3, len(files), 16, size, 1700000000)
for name in files:
    data = open(name, 'rb').read()
    at = data.rindex(b'4X4M') + 12
    kind, component, image = struct.unpack('<H', data[at:at + 2])[0], data[at + 4:at + 20], data[at + 20:at + 36]
    entry = image + component + struct.pack('<HHII', kind, 4, len(data), len(data)) + bytes(32)
    out += entry + (hashlib.sha256(data).digest() if size > 76 else b'')
sys.stdout.buffer.write(out)
EOS
}
ok "a manifest without digests" manifest 76 "$work/set/app.pkg" "$work/set/os.pkg"
ok "is shown" plain manifest show "$work/manifest"
ok "with a warning" says "WITHOUT digests"
ok "convert" plain manifest convert "$work/manifest" --images "$work/set" --out "$work/hashed"
ok "it has them now" plain manifest show "$work/hashed"
ok "the right ones" says "$(sha256sum <"$work/set/os.pkg" | cut -d' ' -f1)"
ok "the bytes that are specified" manifest 108 "$work/set/app.pkg" "$work/set/os.pkg"
ok "no other" cmp "$work/manifest" "$work/hashed"
ok "pack the manifest" plain image pack "$work/hashed" --out "$work/manifest.pkg" --key "$work/p256.pem" --component "$id" --type customer-manifest
ok "show the package" plain manifest show "$work/manifest.pkg" --json
ok "with its images" test "$(grep -c '"hashed":true' "$work/out")" -eq 1
refuses 1 "package.identity.type: is application, not a manifest" manifest show "$work/set/app.pkg"
refuses 1 "manifest.version: REJECT_SPEC" manifest show "$work/app.img"
ok "an image less" mv "$work/set/os.pkg" "$work/os.pkg"
refuses 1 "has no package of image" manifest convert "$work/manifest" --images "$work/set" --out "$work/hashed2"
cp "$work/os.pkg" "$work/set/os1.pkg"
cp "$work/os.pkg" "$work/set/os2.pkg"
refuses 1 "has the same image identifier as" manifest convert "$work/manifest" --images "$work/set" --out "$work/hashed2"
rm "$work"/set/os?.pkg
image=$(plain image show "$work/os.pkg" --json && member image)
ok "the same identifier on other bytes" plain image pack "$work/app.img" --out "$work/set/os.pkg" --key "$work/p256.pem" --component "$other" --image "$image" --type root-fs
refuses 1 "in the manifest" manifest convert "$work/manifest" --images "$work/set" --out "$work/hashed2"
ok "no file was made" test ! -e "$work/hashed2"
cp "$work/os.pkg" "$work/set/os.pkg"
ok "two of the same image" manifest 108 "$work/set/app.pkg" "$work/set/app.pkg"
refuses 1 "manifest.entry.image: REJECT_DUPLICATE" manifest show "$work/manifest"

# --- from a manifest to a deployment
ok "init" repo init
ok "product" repo product add thermostat --component os --component app
ok "publish the OS" repo image add "$work/set/os.pkg" --product thermostat --component os --version 2.0.0
refused 1 "no image of product thermostat is published with sha256" manifest deployment "$work/hashed" --product thermostat
ok "publish the app" repo image add "$work/set/app.pkg" --product thermostat --component app --version 1.5.0
ok "what the manifest is" repo manifest deployment "$work/manifest.pkg" --product thermostat
ok "is the options of deploy" test "$(tr '\n' ' ' <"$work/out")" = "--image app=1.5.0 --image os=2.0.0 "
# shellcheck disable=SC2046
ok "deploy them" repo deploy --product thermostat --group production --os-feed none $(cat "$work/out")
ok "verify" repo verify
ok "without digests" manifest 76 "$work/set/app.pkg" "$work/set/os.pkg"
refused 1 "manifest.entry.sha256: REJECT_MISSING" manifest deployment "$work/manifest" --product thermostat
refused 1 "toaster" manifest deployment "$work/hashed" --product toaster

finish
