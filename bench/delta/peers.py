# SPDX-License-Identifier: Apache-2.0
"""The peers: how each makes a patch, applies it, and what memory its decoder needs by its own documentation.

A device peer's decoder streams: its memory does not grow with the image. A host peer's does, or it wants the images
mapped."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

KIB, MIB = 1024, 1024 * 1024
HERE = Path(__file__).resolve().parent
METER = 'bench_cost'           # set by those who know the build's folder


class Failed(Exception):
    """A peer did not do its work; the text says why."""


@dataclass(frozen=True)
class Cost:
    """What a command took, its children included: CPU seconds, and the most memory that one of them had, in bytes."""
    cpu_s: float = 0.0
    peak: int = 0

    def __add__(self, other):
        return Cost(self.cpu_s + other.cpu_s, max(self.peak, other.peak))


def run(command, **kwargs):
    """Run a command and return its Cost. By bench_cost: in this place an interpreter's pages would be counted as the command's."""
    with tempfile.NamedTemporaryFile(prefix='ota-cost-') as cost:
        done = subprocess.run([METER, cost.name, *command], stdin=subprocess.DEVNULL, stdout=kwargs.get('stdout', subprocess.DEVNULL),
                              stderr=subprocess.PIPE, cwd=kwargs.get('cwd'), check=False)
        text = Path(cost.name).read_text(encoding='ascii')
    found = json.loads(text) if text else {'status': done.returncode}
    if found['status']:
        raise Failed(f'{command[0]}: exit {found["status"]}: {done.stderr.decode(errors="replace").strip()[-300:]}')
    return Cost(found['user_s'] + found['sys_s'], found['peak_kib'] * KIB)


def size(*paths):
    return sum(os.path.getsize(path) for path in paths)


@dataclass
class Peer:
    """make(old, new, work) -> (bytes on the wire, Cost); apply(old, work, out) -> Cost."""
    name: str
    kind: str                       # 'ours', 'device', 'host'
    memory: Callable                # (old, new, work) -> bytes, as its documentation states, or the patch itself
    make: Callable
    apply: Callable
    needs: Callable                 # () -> is it here?
    coder: str = 'other'            # 'deflate': it and what small decoders have in its place; 'model': a range coder with a model
    largest: int = 1 << 40          # new images beyond it take this peer too long or too much memory


def program(*names):
    return lambda: all(shutil.which(name) for name in names)


# ---- Debian's ----

def bsdiff_make(old, new, work):
    cost = run(['bsdiff', old, new, work / 'p'])
    return size(work / 'p'), cost


def bsdiff_apply(old, work, out):
    return run(['bspatch', old, out, work / 'p'])


def xdelta_make(old, new, work):
    window = max(size(old), 1 << 19)
    cost = run(['xdelta3', '-e', '-9', '-S', 'lzma', '-f', '-B', str(window), '-W', str(min(max(size(new), 1 << 14), 1 << 24)), '-s',
                old, new, work / 'p'])
    return size(work / 'p'), cost


def xdelta_apply(old, work, out):
    return run(['xdelta3', '-d', '-f', '-B', str(max(size(old), 1 << 19)), '-s', old, work / 'p', out])


def zstd_make(old, new, work):
    cost = run(['zstd', '-q', '-f', '-19', '--long=31', f'--patch-from={old}', new, '-o', work / 'p'])
    return size(work / 'p'), cost


def zstd_apply(old, work, out):
    return run(['zstd', '-q', '-f', '-d', '--long=31', f'--patch-from={old}', work / 'p', '-o', out])


def rdiff(pack, unpack):
    """make, apply with something that packs the delta."""
    def make(old, new, work):
        for path in ('sig', 'd', 'p'):
            (work / path).unlink(missing_ok=True)
        cost = run(['rdiff', '-b', '512', 'signature', old, work / 'sig']) + run(['rdiff', 'delta', work / 'sig', new, work / 'd'])
        with open(work / 'p', 'wb') as stream:
            cost += run([*pack, work / 'd'], stdout=stream)
        return size(work / 'p'), cost

    def apply(old, work, out):
        out.unlink(missing_ok=True)
        with open(work / 'd', 'wb') as stream:
            cost = run([*unpack, work / 'p'], stdout=stream)
        return cost + run(['rdiff', 'patch', old, work / 'd', out])
    return make, apply


rdiff_make, rdiff_apply = rdiff(['zstd', '-q', '-19', '-c'], ['zstd', '-q', '-d', '-c'])
rdiff_gzip_make, rdiff_gzip_apply = rdiff(['gzip', '-9nc'], ['zcat'])


def chunks(store):
    return {path: path.stat().st_size for path in store.rglob('*.cacnk')}


def casync_make(old, new, work):
    """What a device fetches that has the old image: the index, and each chunk that the old image does not have."""
    store = work / 'store'
    shutil.rmtree(store, ignore_errors=True)
    options = ['--compression=zstd', '--chunk-size=4096:16384:65536', f'--store={store}']
    run(['casync', 'make', *options, work / 'old.caibx', old])
    had = set(chunks(store))
    cost = run(['casync', 'make', *options, work / 'new.caibx', new])
    return size(work / 'new.caibx') + sum(n for path, n in chunks(store).items() if path not in had), cost


def casync_apply(_old, work, out):
    out.unlink(missing_ok=True)
    return run(['casync', 'extract', f'--store={work / "store"}', work / 'new.caibx', out])


def zchunk_make(old, new, work):
    cost = run(['zck', '-o', work / 'old.zck', old]) + run(['zck', '-o', work / 'new.zck', new])
    text = subprocess.run(['zck_delta_size', work / 'old.zck', work / 'new.zck'], check=True, capture_output=True).stdout
    return int(text.split(b'Would download ')[1].split()[0]), cost


def zchunk_apply(_old, work, out):
    with open(out, 'wb') as stream:
        return run(['unzck', '-c', work / 'new.zck'], stdout=stream)


# ---- PyPI's, each in the interpreter that has them; only the call itself is timed ----

def python_peer(name, kind, memory, package, *options, largest=1 << 40, coder='other'):
    def call(*args):
        result = subprocess.run([sys.executable, '-B', HERE / 'pypi.py', package, *map(str, args)], capture_output=True, check=False)
        if result.returncode:
            raise Failed(f'{name}: {result.stderr.decode(errors="replace").strip()[-300:]}')
        cpu_s, peak = result.stdout.split()[-2:]
        return Cost(float(cpu_s), int(peak))

    def make(old, new, work):
        cost = call('make', old, new, work / 'p', *options)
        return size(work / 'p'), cost

    def there():
        look = [sys.executable, '-c', f'import {package.split("-")[0]}']
        return subprocess.run(look, capture_output=True, check=False).returncode == 0
    return Peer(name, kind, memory, make, lambda old, work, out: call('apply', old, work / 'p', out), there, coder, largest)


# ---- ours ----

def our_peer(tool, memory, label):
    def make(old, new, work):
        cost = run([tool, 'create', '--memory', label, old, new, work / 'p'])
        return size(work / 'p'), cost

    def stated(_old, _new, work):
        text = subprocess.run([tool, 'info', work / 'p'], check=True, capture_output=True, text=True).stdout
        needs = int(text.split('\nmemory ')[1].split()[0])
        if needs > memory:
            raise Failed(f'ota-delta {label}: the patch needs {needs} bytes')
        return needs
    return Peer(f'ota-delta {label}', 'ours', stated, make,
                lambda old, work, out: run([tool, 'apply', old, work / 'p', out]),
                lambda: os.access(tool, os.X_OK), 'model')


def both(factor_old, factor_new, more=0):
    return lambda old, new, _work: factor_old * size(old) + factor_new * size(new) + more


def fixed(n):
    return lambda _old, _new, _work: n


def all_peers(tool):
    small, big, huge = 4 * MIB, 80 * MIB, 400 * MIB

    def hpatchlite(name, memory, codec, coder):
        return python_peer(f'hpatchlite {name}', 'device', fixed(memory), 'hdiffpatch-lite', codec, largest=big, coder=coder)

    def hdiffpatch(codec, memory, largest, coder):
        return python_peer(f'hdiffpatch {codec}', 'device', fixed(memory), 'hdiffpatch', codec, largest=largest, coder=coder)

    def detools(name, kind, memory, options, largest, coder='model'):
        return python_peer(f'detools {name}', kind, memory, 'detools', *options, largest=largest, coder=coder)
    return [
        our_peer(tool, 32 * KIB, '32K'),
        our_peer(tool, MIB, '1M'),
        hpatchlite('tuz 4K', 6 * KIB, 'tuz', 'deflate'),
        hpatchlite('zlib', 42 * KIB, 'zlib', 'deflate'),
        hpatchlite('lzma 32K', 50 * KIB, 'lzma', 'model'),
        hdiffpatch('zlib', 160 * KIB, huge, 'deflate'),
        hdiffpatch('zstd', 9 * MIB, big, 'other'),
        hdiffpatch('lzma2', 9 * MIB, big, 'model'),
        detools('heatshrink', 'device', fixed(2 * KIB), ('heatshrink', ''), small, 'deflate'),
        detools('lzma', 'device', fixed(9 * MIB), ('lzma', ''), 40 * MIB),
        detools('lzma, cortex-m4', 'host', both(0, 1), ('lzma', 'arm-cortex-m4'), small),
        detools('lzma, aarch64', 'host', both(0, 1), ('lzma', 'aarch64'), 40 * MIB),
        python_peer('bsdiff4', 'host', both(1, 1, 12 * MIB), 'bsdiff4', largest=40 * MIB),
        Peer('bsdiff', 'host', both(1, 1, 12 * MIB), bsdiff_make, bsdiff_apply, program('bsdiff', 'bspatch'), largest=big),
        Peer('xdelta3 -9 lzma', 'host', both(1, 0, 24 * MIB), xdelta_make, xdelta_apply, program('xdelta3'), 'model', huge),
        Peer('zstd --patch-from -19', 'host', both(1, 1), zstd_make, zstd_apply, program('zstd'), largest=huge),
        Peer('rdiff, gzip -9', 'device', fixed(48 * KIB), rdiff_gzip_make, rdiff_gzip_apply, program('rdiff', 'gzip'), 'deflate', huge),
        Peer('rdiff, zstd -19', 'device', fixed(8 * MIB), rdiff_make, rdiff_apply, program('rdiff', 'zstd'), largest=huge),
        Peer('casync 16K', 'device', fixed(MIB), casync_make, casync_apply, program('casync'), largest=huge),
        Peer('zchunk', 'device', fixed(MIB), zchunk_make, zchunk_apply, program('zck', 'unzck', 'zck_delta_size'), largest=huge),
    ]
