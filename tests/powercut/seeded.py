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

# name, file, old text, new text, scenarios, geometries[, cuts]
BUGS = [
    # progress and the slot
    ("slot-not-synced", "lib/slot/writer.c", "err = w->slot->ops->sync(w->slot, &code);", "err = OTA_OK;", "full", "tiny"),
    ("progress-ahead-of-data", "lib/agent/step_install.c", "    ota_err err = otai_writer_sync(&d->writer);\n\n    if (err != OTA_OK)\n        return err;\n    p->out_off",
     "    ota_err err = OTA_OK;\n\n    p->out_off", "full", "tiny"),
    ("progress-of-another-image", "lib/plan/plan.c", "bool towards = otai_equal(f->sha256, image->sha256, OTA_SHA256_LEN);", "bool towards = true;", "newer", "tiny"),
    ("progress-kept-for-another-image", "lib/agent/trust_settle.c", "if (!r || !otai_equal(p->sha256, r->sha256, OTA_SHA256_LEN))", "if (!r)", "newer", "tiny"),
    ("resume-inside-an-erase-block", "lib/agent/step_install.c", "(((uint32_t)pos & (d->unit - 1)) == 0 && pos >", "(pos >", "full", "e4096,tiny"),
    ("no-erase", "lib/slot/writer.c", "if (w->g.erase_unit == 0 || end <= w->erased)", "if (end)", "full", "tiny"),
    ("erase-behind-the-write", "lib/slot/writer.c", "end - w->erased, &code);", "w->g.erase_unit, &code);", "full", "plus1,zero"),
    ("wrong-slot", "lib/agent/step_install.c", "return a->view.running[component] == 0 ? 1 : 0;", "return 1;", "next", "tiny"),
    ("seal-of-an-earlier-release", "lib/agent/trust_settle.c", "    memset(a->sealed, 0, sizeof a->sealed);\n", "", "cancel", "tiny"),
    # the journal
    ("journal-one-copy-only", "lib/journal/journal.c", "const char *name = copy_names[j->generation & 1];", "const char *name = copy_names[0];", "crash,journal-rot", "tiny"),
    ("journal-older-copy-chosen", "lib/journal/journal.c", "if (generation[1] > generation[0])", "if (generation[1] && generation[1] < generation[0])", "crash", "tiny"),
    ("journal-same-generation", "lib/journal/journal.c", "    j->generation++;\n", "    j->generation += 2;\n    j->generation |= 1;\n", "journal-rot", "tiny"),
    ("arm-not-announced", "lib/agent/states.c", "OTA_ST_FAULT, true,   OTA_ST_REBOOT },\n[OTA_ST_REBOOT]", "OTA_ST_FAULT, false,  OTA_ST_REBOOT },\n[OTA_ST_REBOOT]", "crash", "tiny"),
    ("revert-not-noted", "lib/agent/step_boot.c", "    otai_digest_copy(a->j.blocked, a->j.deployment);\n", "", "crash", "tiny"),
    ("outcome-not-noted", "lib/agent/step_boot.c", "        a->j.report_id = ++a->j.report_last;\n    a->dirty = true;", "        a->j.report_id = ++a->j.report_last;", "full,crash,silent", "tiny,posix"),
    # the trial
    ("tries-not-counted", "ports/posix/boot_record.c", "    r->tries--;\n", "", "crash", "tiny"),
    ("tries-of-somebody-else", "lib/agent/step_boot.c", "set, n, a->cfg.tries, &trial", "set, n, 15, &trial", "crash", "tiny"),
    ("spent-tries-ignored", "lib/agent/step_checkin.c", "!trial && !a->view.spent && a->j.state", "!trial && a->j.state", "crash", "tiny"),
    ("health-not-asked", "lib/agent/step_boot.c", "if (verdict.kind != OTA_VERDICT_HEALTHY)", "if (verdict.kind == OTA_VERDICT_NONE)", "sick", "tiny"),
    ("silence-is-well", "lib/health/health.c", 'return verdict(out, OTA_REJECT_SILENT, "health.deadline", code);', 'return verdict(out, OTA_OK, "", 0);', "silent", "tiny"),
    ("told-before-confirmed", "lib/agent/step_boot.c", "    if (f == OTAI_BOOT_RUNNING) {\n        err = otai_boot_confirm", "    if (f == OTAI_BOOT_PERMANENT) {\n        err = otai_boot_confirm", "full", "tiny"),
    ("floor-before-confirmed", "lib/agent/trust_settle.c", "        p->security = r->security;\n", "        p->security = r->security;\n        j->installed[i].security_floor = r->security;\n", "crash", "tiny"),
    ("floor-not-raised", "lib/agent/step_boot.c", "if (p->security > now->security_floor)", "if (p->security < now->security_floor)", "downgrade", "tiny"),
    ("confirmed-version-of-before", "lib/agent/step_boot.c", "        otai_installed_set(now, p->sha256, p->version);\n", "", "next", "tiny"),
    ("lost-journal-blames-trial", "lib/agent/step_checkin.c", "    if (trial && otai_rows[a->j.state].resume == OTA_ST_IDLE)\n        a->j.state = OTA_ST_REBOOT;\n", "", "journal-lost", "tiny"),
    # the boot record
    ("boot-copy-in-place", "ports/posix/boot_record_file.c", "    number = put(fd, raw, 1 - c.newest);", "    number = put(fd, raw, c.newest);", "full", "posix"),
    ("boot-not-synced", "ports/posix/boot_record_file.c", "return number == 0 ? otap_fdatasync(fd) : number;", "return number;", "full", "posix"),
    ("boot-older-copy-chosen", "ports/posix/boot_record_file.c", "c->r[i].generation > c->r[c->newest].generation", "c->r[i].generation < c->r[c->newest].generation", "full", "posix"),
    ("boot-failure-shown", "ports/posix/boot_record_file.c", "        (void)put(fd, c.raw[1 - c.newest], 1 - c.newest);", "        (void)0;", "full", "posix"),
    # the store
    ("store-not-synced", "ports/posix/file_io.c", "    if (number == 0)\n        number = otap_fsync(fd);\n    if (close(fd)", "    if (close(fd)", "full", "posix"),
    ("store-directory-not-synced", "ports/posix/file_io.c", "    return otap_fsync(dir_fd);", "    return 0;", "full,crash", "posix"),
    ("store-in-place", "ports/posix/file_io.c", "    int number = write_fresh(dir_fd, tmp, buf, len);\n\n    if (number == 0 && renameat(dir_fd, tmp, dir_fd, name) != 0)\n        number = errno;",
     "    int number = write_fresh(dir_fd, name, buf, len);\n\n    (void)tmp;", "full", "posix"),
    ("store-keeps-its-temporary", "ports/posix/store_dir.c", "return unlinkat(s->dir_fd, TEMP_NAME, 0) == 0 || errno == ENOENT ? 0 : errno;", "return s ? 0 : 1;", "full", "posix"),
    ("metadata-not-kept", "lib/agent/step_trust.c", "? s->ops->write(s, name, t->want.buf, t->want.len, &code)", "? OTA_OK", "replay", "tiny"),
    # reports
    ("report-cleared-before-its-acknowledgement", "lib/agent/step_checkin.c", "    s->open = true;\n    return otai_get(a, &job, \"report_url\");",
     "    struct otai_ring rest = s->ring;\n    otai_ring_ack(&rest, r->id);\n    (void)otai_ring_save(a->cfg.store, &rest, s->scratch, &a->fault);\n    s->open = true;\n    return otai_get(a, &job, \"report_url\");", "full", "tiny"),
    ("report-never-cleared", "lib/agent/step_checkin.c", "    otai_ring_ack(&s->ring, id);\n", "", "full", "tiny"),
    ("report-number-used-twice", "lib/agent/step_boot.c", "a->j.report_id = ++a->j.report_last;", "a->j.report_id = a->j.report_last + 1;", "next,recover", "tiny"),
    ("report-numbers-from-the-start", "lib/agent/step_checkin.c", "        a->j.report_last = s->ring.last_id;", "        a->j.report_last = 0;", "journal-lost", "tiny"),
    # one layer of safety left out
    ("layer-seal", "lib/slot/seal.c", "if (!otai_equal(digest, s->want.sha256, sizeof digest))", "if (digest[0] != digest[0])", "full", "tiny"),
    ("layer-journal-sum", "lib/journal/journal.c", "if (otai_crc32(0, p, len - CRC_LEN) != otai_get_le32(p + len - CRC_LEN))", "if (len == 0)", "journal-rot", "tiny"),
    ("layer-boot-sum", "ports/posix/boot_record.c", " || get_le(in + 28, 4) != crc32(in, 28))", " || crc32(in, 28) == 1)", "full,crash", "posix"),
    ("layer-boot-tries", "ports/posix/boot_record.c", "if (r->state != OTA_BOOT_TRIAL_DROPPED && r->tries > 0) {", "if (r->state != OTA_BOOT_TRIAL_DROPPED) {", "crash", "tiny"),
]


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def pkg_config(*names):
    return run(["pkg-config", "--libs", *names], check=True).stdout.split()


class Builder:
    def __init__(self, cc, folder):
        self.cc, self.folder = cc, folder
        stages = sorted(p for p in (ROOT / "lib").iterdir() if p.is_dir())
        self.includes = [f"-I{ROOT / 'include'}", *[f"-I{p}" for p in stages], f"-I{ROOT / 'tests/sim'}", f"-I{ROOT / 'tests/powercut'}"]
        self.sources = [p for s in stages for p in sorted(s.glob("*.c")) if p.name != "texts_bare.c"]
        self.sources += sorted((ROOT / "tests/sim").glob("*.c")) + sorted((ROOT / "tests/powercut").glob("*.c"))
        self.sources += [ROOT / f"ports/posix/{name}.c" for name in POSIX + PLAIN]

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
        done = run([self.cc, *map(str, objects), "-lmbedcrypto", "-lz", "-o", str(out)])
        if done.returncode:
            raise SystemExit(f"seeded: does not link:\n{done.stdout}")

    def base(self, jobs):
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(lambda s: self.compile(s, s, self.object_of(s)), self.sources))
        self.link([self.object_of(s) for s in self.sources], self.folder / "powercut")

    def seeded(self, bug):
        name, path, old, new = bug[:4]
        source = ROOT / path
        text = source.read_text()
        if text.count(old) != 1:
            raise SystemExit(f"seeded: {name}: its text stands {text.count(old)} times in {path}")
        copy = self.folder / f"{name}.c"
        copy.write_text(text.replace(old, new))
        patched = self.compile(source, copy, self.folder / f"{name}.o")
        program = self.folder / f"powercut-{name}"
        self.link([patched if s == source else self.object_of(s) for s in self.sources], program)
        return program


def try_bug(builder, bug, keep):
    name, scenarios, geometries = bug[0], bug[4], bug[5]
    began = time.monotonic()
    program = builder.seeded(bug)
    done = run([str(program), "--quick", "--scenario", scenarios, "--geometry", geometries, "--cuts", str(bug[6] if len(bug) > 6 else 1),
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
    pairs = sorted({(s, g) for b in bugs for s in b[4].split(",") for g in b[5].split(",")})
    scenarios, geometries = ",".join(sorted({s for s, _ in pairs})), ",".join(sorted({g for _, g in pairs}))
    done = run([str(builder.folder / "powercut"), "--quick", "--scenario", scenarios, "--geometry", "tiny", "--cuts", "1"])
    if done.returncode:
        print(f"without a bug, on {geometries}:\n{done.stdout}")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
