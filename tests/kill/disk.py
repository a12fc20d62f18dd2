# SPDX-License-Identifier: Apache-2.0
"""What a power cut may leave of a directory, worked out from the operations that unsynced.c wrote down.

Rules, as POSIX allows and journaling file systems do: data of a file is durable once the file was synced; a name is durable
once its directory was synced. Of data that was not, any part may be there: none, all, some of the writes, a write in part,
zeros where a write is missing. Names change in order: of those that are not durable a prefix is there.
"""
import os
import struct
from pathlib import Path

CREATE, WRITE, TRUNCATE, RENAME, UNLINK, MKDIR, SYNC, SYNC_DIR = range(1, 9)
HEAD = struct.Struct("<4sBHHQQI")
SECTOR = 512


class Op:
    __slots__ = ("kind", "a", "b", "inode", "off", "data")


def read_log(path):
    """Complete records; a torn one ends the log, as it ended the process."""
    ops, at = [], 0
    raw = Path(path).read_bytes()
    while at + HEAD.size <= len(raw):
        magic, kind, a_len, b_len, inode, off, data_len = HEAD.unpack_from(raw, at)
        end = at + HEAD.size + a_len + b_len + data_len
        if magic != b"OPR1" or end > len(raw):
            break
        op = Op()
        op.kind, op.inode, op.off = kind, inode, off
        at += HEAD.size
        op.a, op.b = raw[at:at + a_len].decode(), raw[at + a_len:at + a_len + b_len].decode()
        op.data = raw[at + a_len + b_len:end]
        ops.append(op)
        at = end
    return ops


class Disk:
    """The durable state of one directory, and what waits to become durable."""

    def __init__(self, root):
        self.root = str(root)
        self.names = {}      # path: file number; directories: path: None
        self.files = {}      # file number: bytearray
        self.next = 0
        self.take()

    def take(self):
        """The directory as it is on this machine is what is durable now."""
        self.names.clear()
        self.files.clear()
        self.by_inode, self.data, self.dirs = {}, {}, {}
        for base, dirs, files in os.walk(self.root):
            for d in dirs:
                self.names[os.path.join(base, d)] = None
            for f in files:
                path = os.path.join(base, f)
                self.by_inode[os.stat(path).st_ino] = self.names[path] = self.add(Path(path).read_bytes())
        self.live = dict(self.names)

    def add(self, content=b""):
        self.next += 1
        self.files[self.next] = bytearray(content)
        return self.next

    def change_name(self, names, op, number):
        if op.kind in (CREATE, MKDIR):
            names[op.a] = number
        elif op.kind == UNLINK:
            names.pop(op.a, None)
        elif op.kind == RENAME and op.a in names:
            names[op.b] = names.pop(op.a)

    def play(self, ops, last_under_way, rng):
        """Carry out all operations; the last one was perhaps still under way, so a sync had not returned."""
        for i, op in enumerate(ops):
            under_way = last_under_way and i == len(ops) - 1
            if op.kind in (CREATE, MKDIR, UNLINK, RENAME):
                number = None
                if op.kind == CREATE:
                    number = self.by_inode[op.inode] = self.add()
                self.change_name(self.live, op, number)
                self.dirs.setdefault(os.path.dirname(op.a), []).append((op, number))
            elif op.kind in (WRITE, TRUNCATE):
                self.data.setdefault(self.by_inode[op.inode], []).append(op)
            elif under_way and rng.random() < 0.5:
                continue
            elif op.kind == SYNC:
                for late in self.data.pop(self.by_inode[op.inode], ()):
                    self.apply(self.by_inode[op.inode], late)
            else:
                for late, number in self.dirs.pop(op.a, ()):
                    self.change_name(self.names, late, number)

    def apply(self, number, op):
        content = self.files[number]
        if op.kind == TRUNCATE:
            del content[op.off:]
            content.extend(bytes(op.off - len(content)))
            return
        content.extend(bytes(max(0, op.off - len(content))))
        content[op.off:op.off + len(op.data)] = op.data

    def tear(self, op, rng):
        """The beginning of a write: some of its sectors, or of a short one some bytes."""
        unit = SECTOR if len(op.data) > SECTOR else 1
        op.data = op.data[:rng.randrange(0, len(op.data) // unit + 1) * unit]

    def lose(self, rng):
        """The cut: of everything that is not durable, something."""
        for number, ops in self.data.items():
            how = rng.randrange(4)
            kept = {0: [], 1: ops, 2: ops[:rng.randrange(len(ops) + 1)], 3: [op for op in ops if rng.random() < 0.5]}[how]
            for i, op in enumerate(kept):
                if op.kind == WRITE and i == len(kept) - 1 and rng.random() < 0.3:
                    self.tear(op, rng)
                self.apply(number, op)
        for ops in self.dirs.values():
            for op, number in ops[:rng.randrange(len(ops) + 1)]:
                self.change_name(self.names, op, number)

    def restore(self):
        """Make the directory what the cut left."""
        for base, dirs, files in os.walk(self.root, topdown=False):
            for name in files:
                os.unlink(os.path.join(base, name))
            for name in dirs:
                os.rmdir(os.path.join(base, name))
        for path in sorted(p for p, number in self.names.items() if number is None):
            if os.path.isdir(os.path.dirname(path)):
                os.mkdir(path, 0o700)
        for path, number in self.names.items():
            if number is not None and os.path.isdir(os.path.dirname(path)):
                Path(path).write_bytes(self.files[number])
        self.take()

    def cut(self, ops, last_under_way, rng):
        self.play(ops, last_under_way, rng)
        self.lose(rng)
        self.restore()
