# SPDX-License-Identifier: Apache-2.0
"""Every write of an update, as QEMU's blklogwrites wrote them down, played onto the disk as it was before. Judged without a start:

  after each write; after a part of it (its beginning, its end); and with it alone, when nothing else since the last flush had
  reached the medium: a copy of the environment is valid, and each slot that the loader may start holds its image to the byte;
  at each flush that made more of it durable: the data partition is mended by e2fsck, the boot record is valid, and knows of what the loader is about to try."""
import struct
import subprocess
import zlib

from device import LOADER_AT, SECTOR, WITH_SBIN, Wrong, expect
from loaders import COPY, environment_copies, may_start, newest_env

MAGIC, FLUSH, DISCARD = 0x6A736677736872, 1, 4
ENV_SECTORS = 2 * COPY // SECTOR


def entries(path):
    """(first sector, bytes, is a flush) in the order of writing."""
    with open(path, "rb") as f:
        magic, _, count, size = struct.unpack("<QQQI", f.read(28))
        expect(magic == MAGIC and count > 0 and size == SECTOR, "the log of the writes cannot be read")
        f.seek(SECTOR)
        for _ in range(count):
            sector, sectors, flags, _ = struct.unpack("<QQQQ", f.read(32))
            f.seek(SECTOR - 32, 1)
            data = bytes(sectors * SECTOR) if flags & DISCARD else f.read(sectors * SECTOR)
            yield sector, data, bool(flags & FLUSH)


class Disk:
    """The bytes, and in which sectors each slot differs from its image."""

    def __init__(self, raw, images, slot_at):
        self.raw, self.images, self.slot_at, self.wrong = raw, images, slot_at, [set(), set()]
        for at, image in zip(slot_at, images):
            self.compare(at, len(image) // SECTOR)

    def compare(self, sector, count):
        for slot, start in enumerate(self.slot_at):
            image = self.images[slot]
            for i in range(max(sector, start), min(sector + count, start + len(image) // SECTOR)):
                at = (i - start) * SECTOR
                same = self.raw[i * SECTOR:(i + 1) * SECTOR] == image[at:at + SECTOR]
                (self.wrong[slot].discard if same else self.wrong[slot].add)(i)

    def write(self, sector, data):
        """Returns what undoes it."""
        old = bytes(self.raw[sector * SECTOR:sector * SECTOR + len(data)])
        self.raw[sector * SECTOR:sector * SECTOR + len(data)] = data
        self.compare(sector, len(data) // SECTOR)
        return sector, old

    def environment(self):
        return self.raw[LOADER_AT * SECTOR:(LOADER_AT + ENV_SECTORS) * SECTOR]

    def check(self, what):
        env = newest_env(self.environment())
        expect(env, f"{what}: no copy of the environment is valid")
        for slot, _ in may_start(env):
            expect(not self.wrong[slot], f"{what}: the loader may start slot {'ab'[slot]}, {len(self.wrong[slot])} sectors of which are wrong")


class Tally:
    entries = flushes = states = torn_copies = file_systems = 0


def touches(sector, count, start, end):
    return sector < end and sector + count > start


def parts(sector, data):
    """What of a write may be there when the power goes under it: beginnings and ends, in sectors; all of them in the environment."""
    count = len(data) // SECTOR
    all_of_them = touches(sector, count, LOADER_AT, LOADER_AT + ENV_SECTORS)
    for k in range(1, count) if all_of_them else {1, count // 2, count - 1} - {0, count}:
        yield sector, data[:k * SECTOR]
        yield sector + k, data[k * SECTOR:]


def check_torn(disk, tally, number, sector, data):
    for part in parts(sector, data):
        undo = disk.write(*part)
        disk.check(f"a part of write {number}")
        tally.torn_copies += touches(sector, len(data) // SECTOR, LOADER_AT, LOADER_AT + ENV_SECTORS) and None in environment_copies(disk.environment())
        tally.states += 1
        disk.write(*undo)


def check_alone(durable, tally, number, sector, data):
    undo = durable.write(sector, data)
    durable.check(f"write {number} alone since the last flush")
    tally.states += 1
    durable.write(*undo)


def boot_record(raw):
    """The newer valid copy (SPEC.md), None if there is no record yet."""
    valid = [c for c in (raw[:32], raw[4096:4128]) if c[:5] == b"OTAB\1" and zlib.crc32(c[:28]) == int.from_bytes(c[28:32], "little")]
    expect(valid or not raw, "no copy of the boot record is valid")
    return max(valid, key=lambda c: int.from_bytes(c[8:16], "little")) if raw else None


def check_data(disk, tally, device, number):
    """The data partition after a power cut here, as the next mount will find it."""
    path = device.path
    (path / "cut.img").write_bytes(disk.raw[device.data_at * SECTOR:device.end_at * SECTOR])
    done = subprocess.run(["e2fsck", "-p", path / "cut.img"], capture_output=True, text=True, env=WITH_SBIN)
    expect(done.returncode in (0, 1), f"at flush {number}: e2fsck: {done.stdout}")
    shown = subprocess.run(["debugfs", "-R", "cat /state/boot.record", path / "cut.img"], capture_output=True, env=WITH_SBIN)
    record = boot_record(shown.stdout)
    env = newest_env(disk.environment())
    if env["BOOT_ORDER"].startswith("B"):
        expect(record and (record[5] != 0 or record[16] == 1), f"at flush {number}: the loader is to start slot b, and the record knows nothing of it")
    tally.file_systems += 1


def judge(device, before, writes, images):
    """before: the disk as it was. images: those of slots a and b in the end. Returns the tally, or raises what is wrong."""
    tally = Tally()
    (disk, durable), late = (Disk(bytearray(before), images, device.slot_at) for _ in range(2)), []
    for number, (sector, data, is_flush) in enumerate(writes):
        tally.entries += 1
        if data:
            check_torn(disk, tally, number, sector, data)
            check_alone(durable, tally, number, sector, data)
            disk.write(sector, data)
            disk.check(f"after write {number}")
            tally.states += 1
            late.append((sector, data))
        if is_flush:
            tally.flushes += 1
            for write in late:
                durable.write(*write)
            if any(sector < device.slot_at[0] or sector >= device.data_at for sector, _ in late):
                check_data(durable, tally, device, number)
            late = []
    expect(tally.torn_copies > 0 and tally.flushes > 10, f"{tally.torn_copies} torn copies, {tally.flushes} flushes")
    return tally


def judge_without_flushes(device, before, writes, images):
    """The same writes by an agent that never syncs: what is wrong with that."""
    try:
        judge(device, before, ((sector, data, False) for sector, data, _ in writes), images)
    except Wrong as wrong:
        return str(wrong)
    raise Wrong("an agent that never syncs is not noticed")
