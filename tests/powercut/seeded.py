#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plant bugs, one at a time, in a copy of a source file, build the explorer with it, and expect it to break a rule.

    seeded.py --build DIR [--cc CC] [--only NAME,...] [--keep]

Each bug is a textual change of one file that must be found there exactly once. The explorer stops at the first violation.
Ends with "B/B seeded bugs caught"; fails if one is not."""
import argparse
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["-std=c11", "-O1", "-D_GNU_SOURCE", "-w"]
POSIX = ["boot_file", "boot_record_file", "file_io", "slot", "slot_file", "store_dir"]  # compiled over simulated files
PLAIN = ["boot_record", "crypto_psa", "ed25519_none", "spawn"]
DELTA = ["afford", "create", "crew", "encode", "image", "match", "modes", "open", "plan", "refine", "stretch"]  # makes the patches of the simulated publishers

# name, scenarios, geometries, changes: file, old text, new text
BUGS = [
    # progress and the slot
    ("slot-not-synced", "full", "tiny",
     [("lib/slot/writer.c", "err = w->slot->ops->sync(w->slot, &code);",
       "err = OTA_OK;")]),
    ("progress-ahead-of-data", "full", "tiny",
     [("lib/agent/step_install.c", "    ota_err err = otai_writer_sync(&d->writer);\n\n    if (err == OTA_OK && d->patch.delta",
       "    ota_err err = OTA_OK;\n\n    if (err == OTA_OK && d->patch.delta"),
      ("lib/agent/step_install.c", "a->fetch.head.etag);\n    return otai_save(a);", "a->fetch.head.etag);\n    err = otai_save(a);\n    return err == OTA_OK ? otai_writer_sync(&d->writer) : err;")]),
    ("progress-of-another-image", "newer", "tiny",
     [("lib/plan/plan.c", " || !otai_equal(f->src_sha256, s->sha256, OTA_SHA256_LEN) ||\n        !otai_equal(f->sha256, image->sha256, OTA_SHA256_LEN))", ")"),
      ("lib/agent/trust_settle.c", "if (!r || !otai_equal(p->sha256, r->sha256, OTA_SHA256_LEN))", "if (!r)")]),
    ("resume-inside-an-erase-block", "full", "e4096",
     [("lib/agent/step_install.c", "(((uint32_t)pos & (d->unit - 1)) == 0 && pos >", "(pos >"),
      ("lib/plan/plan.c", "out->src_off = out->out_off &= ~(uint64_t)within(slot_unit(&f->geometry));", "out->src_off = out->out_off;")]),
    ("no-erase", "full", "tiny",
     [("lib/slot/writer.c", "if (w->g.erase_unit == 0 || end <= w->erased)",
       "if (end)")]),
    ("erase-behind-the-write", "full", "plus1,zero",
     [("lib/slot/writer.c", "end - w->erased, &code);",
       "w->g.erase_unit, &code);")]),
    ("wrong-slot", "next", "tiny",
     [("lib/agent/step_install.c", "return a->view.running[component] == 0 ? 1 : 0;",
       "return 1;")]),
    ("seal-of-an-earlier-release", "cancel", "tiny",
     [("lib/agent/trust_settle.c", "    memset(a->sealed, 0, sizeof a->sealed);\n", ""),
      ("lib/agent/policy_trust.c", "        a->sealed[i] = a->policy.sealed[i] && r && otai_equal(a->image[i].sha256, r->sha256, OTA_SHA256_LEN);\n",
       "        (void)r;\n")]),
    # the journal
    ("journal-one-copy-only", "crash,journal-rot", "tiny",
     [("lib/journal/journal.c", "const char *name = copy_names[j->generation & 1];",
       "const char *name = copy_names[0];")]),
    ("journal-older-copy-chosen", "crash", "tiny",
     [("lib/journal/journal.c", "if (is_newer(generation[1], generation[0]))",
       "if (generation[1] && is_newer(generation[0], generation[1]))")]),
    ("journal-same-generation", "journal-rot", "tiny",
     [("lib/journal/journal.c", "    j->generation = generation_after(before);\n",
       "    j->generation = generation_after(before) | 1u;\n")]),
    ("arm-not-announced", "crash", "tiny",
     [("lib/agent/states.c", "OTA_ST_FAULT, true,   OTA_ST_REBOOT },\n[OTA_ST_REBOOT]",
       "OTA_ST_FAULT, false,  OTA_ST_REBOOT },\n[OTA_ST_REBOOT]")]),
    ("revert-not-noted", "crash", "tiny",
     [("lib/agent/step_boot.c", "    otai_digest_copy(a->j.blocked, a->j.deployment);\n",
       "")]),
    # the trial
    ("tries-not-counted", "crash", "tiny",
     [("ports/posix/boot_record.c", "    r->tries--;\n",
       "")]),
    ("tries-of-somebody-else", "crash", "tiny",
     [("lib/agent/step_boot.c", "set, n, a->cfg.tries, &trial",
       "set, n, 15, &trial")]),
    ("spent-tries-ignored", "crash", "tiny",
     [("lib/agent/step_checkin.c", "!trial && !a->view.spent && a->j.state",
       "!trial && a->j.state")]),
    ("health-not-asked", "sick", "tiny",
     [("lib/agent/step_boot.c", "if (verdict.kind != OTA_VERDICT_HEALTHY)",
       "if (verdict.kind == OTA_VERDICT_NONE)")]),
    ("silence-is-well", "silent", "tiny",
     [("lib/health/health.c", 'return verdict(out, OTA_REJECT_SILENT, "health.deadline", code);',
       'return verdict(out, OTA_OK, "", 0);')]),
    ("told-before-confirmed", "full", "tiny",
     [("lib/agent/step_boot.c", "    if (f == OTAI_BOOT_RUNNING) {\n        err = otai_boot_confirm",
       "    if (f == OTAI_BOOT_PERMANENT) {\n        err = otai_boot_confirm")]),
    ("floor-before-confirmed", "crash", "tiny",
     [("lib/agent/trust_settle.c", "        p->security = r->security;\n",
       "        p->security = r->security;\n        j->installed[i].security_floor = r->security;\n")]),
    ("floor-not-raised", "downgrade", "tiny",
     [("lib/agent/step_boot.c", "if (p->security > now->security_floor)",
       "if (p->security < now->security_floor)")]),
    ("confirmed-version-of-before", "next-journal", "tiny",
     [("lib/agent/step_boot.c", "        otai_installed_set(now, p->sha256, p->version);\n",
       "")]),
    ("lost-journal-blames-trial", "journal-lost", "tiny",
     [("lib/agent/step_checkin.c", "    if (trial && otai_rows[a->j.state].resume == OTA_ST_IDLE)\n        a->j.state = OTA_ST_REBOOT;\n",
       "")]),
    # removal
    ("removal-not-noted", "remove,remove-return", "tiny",
     [("lib/agent/relations.c", "    *now = (struct otai_installed){ .security_floor = now->security_floor };\n",
       "")]),
    ("removal-taken-for-no-part-of-the-trial", "remove-return", "tiny",
     [("lib/agent/step_boot.c", "ours ? otai_trial_slot(p) :",
       "ours ? p->slot :")]),
    ("removal-outlives-the-rollback", "remove-sick", "tiny",
     [("ports/posix/boot_record.c", "    memset(r->trial, OTA_SLOT_NONE, sizeof r->trial);\n    r->state = OTA_BOOT_TRIAL_NONE;",
       "    for (size_t i = 0; i < OTA_COMPONENTS_MAX; i++)\n        if (r->trial[i] == OTA_SLOT_REMOVE)\n            r->confirmed[i] = OTA_SLOT_NONE;\n    memset(r->trial, OTA_SLOT_NONE, sizeof r->trial);\n    r->state = OTA_BOOT_TRIAL_NONE;")]),
    ("removal-armed-without-its-update", "two-os-sick,remove", "tiny",
     [("lib/agent/step_boot.c", "    for (size_t i = 0; i < a->cfg.component_count; i++)\n        if (a->sealed[i])\n            set[n++]",
       "    for (size_t i = 1; i < a->cfg.component_count; i++)\n        if (a->sealed[i])\n            set[n++]")]),
    # the boot record
    ("boot-copy-in-place", "full", "posix",
     [("ports/posix/boot_record_file.c", "    number = put(fd, raw, 1 - c.newest);",
       "    number = put(fd, raw, c.newest);")]),
    ("boot-not-synced", "full", "posix",
     [("ports/posix/boot_record_file.c", "return number == 0 ? otap_fdatasync(fd) : number;",
       "return number;")]),
    ("boot-older-copy-chosen", "full", "posix",
     [("ports/posix/boot_record_file.c", "c->r[i].generation > c->r[c->newest].generation",
       "c->r[i].generation < c->r[c->newest].generation")]),
    ("boot-failure-shown", "full", "posix",
     [("ports/posix/boot_record_file.c", "        (void)put(fd, c.raw[1 - c.newest], 1 - c.newest);",
       "        (void)0;")]),
    # the store
    ("store-not-synced", "full", "posix",
     [("ports/posix/file_io.c", "    if (number == 0)\n        number = otap_fsync(fd);\n    if (close(fd)",
       "    if (close(fd)")]),
    ("store-directory-not-synced", "full,crash", "posix",
     [("ports/posix/file_io.c", "    return otap_fsync(dir_fd);",
       "    return 0;")]),
    ("store-in-place", "full", "posix",
     [("ports/posix/file_io.c", "    int number = write_fresh(dir_fd, tmp, buf, len);\n\n    if (number == 0 && renameat(dir_fd, tmp, dir_fd, name) != 0)\n        number = errno;",
       "    int number = write_fresh(dir_fd, name, buf, len);\n\n    (void)tmp;")]),
    ("metadata-not-kept", "replay", "tiny",
     [("lib/agent/step_trust.c", "? s->ops->write(s, name, t->want.buf, t->want.len, &code)",
       "? OTA_OK")]),
    # reports
    ("report-cleared-before-its-acknowledgement", "lost-ack", "tiny",
     [("lib/agent/step_checkin.c", "    s->open = true;\n    return otai_get(a, &job, \"report_url\");",
       "    struct otai_ring rest = s->ring;\n    otai_ring_ack(&rest, r->id);\n    (void)otai_ring_save(a->cfg.store, &rest, s->scratch, &a->fault);\n    s->open = true;\n    return otai_get(a, &job, \"report_url\");")]),
    ("report-never-cleared", "full", "tiny",
     [("lib/agent/step_checkin.c", "    otai_ring_ack(&s->ring, id);\n",
       "")]),
    ("report-number-used-twice", "next,recover", "tiny",
     [("lib/agent/step_boot.c", "a->j.report_id = ++a->j.report_last;",
       "a->j.report_id = a->j.report_last + 1;")]),
    ("report-numbers-from-the-start", "journal-lost", "tiny",
     [("lib/agent/step_checkin.c", "        a->j.report_last = s->ring.last_id;",
       "        a->j.report_last = 0;")]),
    # one layer of safety left out
    ("layer-seal", "full", "tiny",
     [("lib/slot/seal.c", "if (!otai_equal(digest, s->want.sha256, sizeof digest))",
       "if (digest[0] != digest[0])")]),
    ("layer-journal-sum", "journal-rot", "tiny",
     [("lib/journal/journal.c", "if (otai_crc32(0, p, len - CRC_LEN) != otai_get_le32(p + len - CRC_LEN))",
       "if (len == 0)")]),
    ("layer-boot-sum", "boot-rot", "posix",
     [("ports/posix/boot_record.c", " || get_le(in + 28, 4) != ota_boot_record_crc(0, in, 28))",
       " || ota_boot_record_crc(0, in, 28) == 1)")]),
    ("layer-boot-tries", "crash", "tiny",
     [("ports/posix/boot_record.c", "if (r->state != OTA_BOOT_TRIAL_DROPPED && r->tries > 0) {",
       "if (r->state != OTA_BOOT_TRIAL_DROPPED) {")]),
]


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


# Of each pair of files that builds choose from. Streams are opened: what makes patches needs it.
LEFT_OUT = ("texts_bare", "wait", "patch_none", "ranges_none", "detour_none", "opened_none", "unpack", "zstd_frames", "sim_zstd")


class Builder:
    def __init__(self, cc, folder):
        self.cc, self.folder = cc, folder
        stages = sorted(p for p in (ROOT / "lib").iterdir() if p.is_dir())
        self.includes = [f"-I{ROOT / 'include'}", *[f"-I{p}" for p in stages], f"-I{ROOT / 'tests/kit'}", f"-I{ROOT / 'tests/sim'}", f"-I{ROOT / 'tests/powercut'}"]
        self.sources = [p for s in stages for p in sorted(s.glob("*.c")) if p.stem not in LEFT_OUT]
        self.sources += [p for p in sorted((ROOT / "tests/sim").glob("*.c")) if p.stem not in LEFT_OUT] + sorted((ROOT / "tests/powercut").glob("*.c"))
        self.sources += [ROOT / f"ports/posix/{name}.c" for name in POSIX + PLAIN]
        self.sources += [ROOT / f"tools/ota-delta/{name}.c" for name in DELTA]
        self.includes += [f"-I{ROOT / 'tools/ota-delta'}"]

    def compile(self, source, text_from, out):
        """Compile `text_from` as if it lay where `source` does."""
        simulated = source.parent.name == "posix" and source.stem in POSIX
        forced = ["-include", str(ROOT / "tests/sim/sim_fs_calls.h")] if simulated else []
        done = run([self.cc, *FLAGS, *forced, "-iquote", str(source.parent), *self.includes, "-c", str(text_from), "-o", str(out)])
        if done.returncode:
            raise SystemExit(f"seeded: {source.relative_to(ROOT)} does not compile:\n{done.stdout}")
        return out

    def object_of(self, source):
        return self.folder / (str(source.relative_to(ROOT)).replace("/", "_") + ".o")

    def link(self, objects, out):
        done = run([self.cc, *map(str, objects), "-lmbedcrypto", "-lz", "-ldivsufsort", "-lpthread", "-o", str(out)])
        if done.returncode:
            raise SystemExit(f"seeded: does not link:\n{done.stdout}")

    def base(self, jobs):
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(lambda s: self.compile(s, s, self.object_of(s)), self.sources))
        self.link([self.object_of(s) for s in self.sources], self.folder / "powercut")

    def seeded(self, bug):
        name, changed, patched = bug[0], {}, {}
        for number, (path, old, new) in enumerate(bug[3]):
            source = ROOT / path
            text = changed.get(source, source.read_text())
            if text.count(old) != 1:
                raise SystemExit(f"seeded: {name}: its text stands {text.count(old)} times in {path}")
            copy = self.folder / f"{name}-{number}.c"
            changed[source] = text.replace(old, new)
            copy.write_text(changed[source])
            patched[source] = self.compile(source, copy, copy.with_suffix(".o"))
        program = self.folder / f"powercut-{name}"
        self.link([patched.get(s, self.object_of(s)) for s in self.sources], program)
        return program


def try_bug(builder, bug, keep):
    name, scenarios, geometries = bug[:3]
    began = time.monotonic()
    program = builder.seeded(bug)
    done = run([str(program), "--quick", "--scenario", scenarios, "--geometry", geometries, "--cuts", "1",
                "--processes", "1", "--stop-after", "1"], timeout=900)
    caught = done.returncode == 1 and " violates " in done.stdout
    how = next((line for line in done.stdout.splitlines() if " violates " in line), done.stdout.strip()[-300:])
    if not keep:
        program.unlink()
    return name, caught, how, time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, type=Path)
    parser.add_argument("--cc", default="cc")
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    folder = args.build.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    only = [n for n in args.only.split(",") if n]
    bugs = [b for b in BUGS if not only or b[0] in only]
    if not bugs or len({b[0] for b in BUGS}) != len(BUGS):
        raise SystemExit("seeded: no such bug, or one name for two")
    builder = Builder(args.cc, folder)
    builder.base(args.jobs)
    # Without a bug nothing may be broken, or "caught" means nothing.
    clean = try_clean(builder, bugs)
    caught = 0
    with ThreadPoolExecutor(args.jobs) as pool:
        for name, found, how, seconds in pool.map(lambda b: try_bug(builder, b, args.keep), bugs):
            caught += found
            print(f"{'caught ' if found else 'MISSED '} {name:42} {seconds:5.1f} s  {how}", flush=True)
    print(f"{caught}/{len(bugs)} seeded bugs caught")
    return 0 if clean and caught == len(bugs) else 1


def try_clean(builder, bugs):
    pairs = sorted({(s, g) for b in bugs for s in b[1].split(",") for g in b[2].split(",")})
    scenarios, geometries = ",".join(sorted({s for s, _ in pairs})), ",".join(sorted({g for _, g in pairs}))
    done = run([str(builder.folder / "powercut"), "--quick", "--scenario", scenarios, "--geometry", "tiny", "--cuts", "1"])
    if done.returncode:
        print(f"without a bug, on {geometries}:\n{done.stdout}")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
