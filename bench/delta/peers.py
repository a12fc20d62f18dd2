# SPDX-License-Identifier: Apache-2.0
"""The peers: how each makes a patch, applies it, and what memory its decoder needs by its own documentation.

A device peer's decoder streams: its memory does not grow with the image. A host peer's does, or it wants the images
mapped."""
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

KIB, MIB = 1024, 1024 * 1024
HERE = Path(__file__).resolve().parent


class Failed(Exception):
    """A peer did not do its work; the text says why."""


def run(command, **kwargs):
    """Run a command and return its CPU seconds, its children's included."""
    with open(os.devnull, 'wb') as null:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=kwargs.get('stdout', null),
                                   stderr=subprocess.PIPE, cwd=kwargs.get('cwd'))
    text = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode:
        raise Failed(f'{command[0]}: exit {process.returncode}: {text.decode(errors="replace").strip()[-300:]}')
    return usage.ru_utime + usage.ru_stime


def size(*paths):
    return sum(os.path.getsize(path) for path in paths)


@dataclass
class Peer:
    """make(old, new, work) -> bytes on the wire; apply(old, work, out) -> CPU seconds, or None where it is not measured."""
    name: str
    kind: str                       # 'ours', 'device', 'host'
    memory: Callable                # (old, new, work) -> bytes, as its documentation states, or the patch itself
    make: Callable
    apply: Callable
    needs: Callable                 # () -> is it here?
    largest: int = 1 << 40          # new images beyond it take this peer too long or too much memory


def program(*names):
    return lambda: all(shutil.which(name) for name in names)


# ---- Debian's ----

def bsdiff_make(old, new, work):
    run(['bsdiff', old, new, work / 'p'])
    return size(work / 'p')


def bsdiff_apply(old, work, out):
    return run(['bspatch', old, out, work / 'p'])


def xdelta_make(old, new, work):
    window = max(size(old), 1 << 19)
    run(['xdelta3', '-e', '-9', '-S', 'lzma', '-f', '-B', str(window), '-W', str(min(max(size(new), 1 << 14), 1 << 24)), '-s', old,
         new, work / 'p'])
    return size(work / 'p')


def xdelta_apply(old, work, out):
    return run(['xdelta3', '-d', '-f', '-B', str(max(size(old), 1 << 19)), '-s', old, work / 'p', out])


def zstd_make(old, new, work):
    run(['zstd', '-q', '-f', '-19', '--long=31', f'--patch-from={old}', new, '-o', work / 'p'])
    return size(work / 'p')


def zstd_apply(old, work, out):
    return run(['zstd', '-q', '-f', '-d', '--long=31', f'--patch-from={old}', work / 'p', '-o', out])


def rdiff_make(old, new, work):
    for path in ('sig', 'd', 'p'):
        (work / path).unlink(missing_ok=True)
    run(['rdiff', '-b', '512', 'signature', old, work / 'sig'])
    run(['rdiff', 'delta', work / 'sig', new, work / 'd'])
    run(['zstd', '-q', '-f', '-19', work / 'd', '-o', work / 'p'])
    return size(work / 'p')


def rdiff_apply(old, work, out):
    out.unlink(missing_ok=True)
    (work / 'd').unlink(missing_ok=True)
    return run(['zstd', '-q', '-f', '-d', work / 'p', '-o', work / 'd']) + run(['rdiff', 'patch', old, work / 'd', out])


def chunks(store):
    return {path: path.stat().st_size for path in store.rglob('*.cacnk')}


def casync_make(old, new, work):
    """What a device fetches that has the old image: the index, and each chunk that the old image does not have."""
    store = work / 'store'
    shutil.rmtree(store, ignore_errors=True)
    options = ['--compression=zstd', '--chunk-size=4096:16384:65536', f'--store={store}']
    run(['casync', 'make', *options, work / 'old.caibx', old])
    had = set(chunks(store))
    run(['casync', 'make', *options, work / 'new.caibx', new])
    return size(work / 'new.caibx') + sum(n for path, n in chunks(store).items() if path not in had)


def casync_apply(_old, work, out):
    out.unlink(missing_ok=True)
    return run(['casync', 'extract', f'--store={work / "store"}', work / 'new.caibx', out])


def zchunk_make(old, new, work):
    for name, image in (('old.zck', old), ('new.zck', new)):
        run(['zck', '-o', work / name, image])
    text = subprocess.run(['zck_delta_size', work / 'old.zck', work / 'new.zck'], check=True, capture_output=True).stdout
    return int(text.split(b'Would download ')[1].split()[0])


def zchunk_apply(_old, work, out):
    with open(out, 'wb') as stream:
        return run(['unzck', '-c', work / 'new.zck'], stdout=stream)


# ---- PyPI's, each in the interpreter that has them; only the call itself is timed ----

def python_peer(name, kind, memory, package, *options, largest=1 << 40):
    def call(*args):
        result = subprocess.run([sys.executable, '-B', HERE / 'pypi.py', package, *map(str, args)], capture_output=True, check=False)
        if result.returncode:
            raise Failed(f'{name}: {result.stderr.decode(errors="replace").strip()[-300:]}')
        return float(result.stdout.split()[-1])

    def make(old, new, work):
        call('make', old, new, work / 'p', *options)
        return size(work / 'p')

    def there():
        look = [sys.executable, '-c', f'import {package.split("-")[0]}']
        return subprocess.run(look, capture_output=True, check=False).returncode == 0
    return Peer(name, kind, memory, make, lambda old, work, out: call('apply', old, work / 'p', out), there, largest)


# ---- ours ----

def our_peer(tool, memory, label):
    def make(old, new, work):
        run([tool, 'create', '--memory', label, old, new, work / 'p'])
        return size(work / 'p')

    def stated(_old, _new, work):
        text = subprocess.run([tool, 'info', work / 'p'], check=True, capture_output=True, text=True).stdout
        needs = int(text.split('\nmemory ')[1].split()[0])
        if needs > memory:
            raise Failed(f'ota-delta {label}: the patch needs {needs} bytes')
        return needs
    return Peer(f'ota-delta {label}', 'ours', stated, make,
                lambda old, work, out: run([tool, 'apply', old, work / 'p', out]),
                lambda: os.access(tool, os.X_OK))


def both(factor_old, factor_new, more=0):
    return lambda old, new, _work: factor_old * size(old) + factor_new * size(new) + more


def fixed(n):
    return lambda _old, _new, _work: n


def all_peers(tool):
    big, huge = 40 * MIB, 400 * MIB
    return [
        our_peer(tool, 32 * KIB, '32K'),
        our_peer(tool, MIB, '1M'),
        python_peer('hpatchlite tuz 4K', 'device', fixed(6 * KIB), 'hdiffpatch-lite', 'tuz', largest=big),
        python_peer('hpatchlite zlib', 'device', fixed(42 * KIB), 'hdiffpatch-lite', 'zlib', largest=big),
        python_peer('hpatchlite lzma 32K', 'device', fixed(50 * KIB), 'hdiffpatch-lite', 'lzma', largest=big),
        python_peer('hdiffpatch zlib', 'device', fixed(160 * KIB), 'hdiffpatch', 'zlib', largest=big),
        python_peer('hdiffpatch zstd', 'device', fixed(9 * MIB), 'hdiffpatch', 'zstd', largest=big),
        python_peer('hdiffpatch lzma2', 'device', fixed(9 * MIB), 'hdiffpatch', 'lzma2', largest=big),
        python_peer('detools heatshrink', 'device', fixed(2 * KIB), 'detools', 'heatshrink', '', largest=4 * MIB),
        python_peer('detools lzma', 'device', fixed(9 * MIB), 'detools', 'lzma', '', largest=big),
        python_peer('detools lzma, cortex-m4', 'host', both(0, 1), 'detools', 'lzma', 'arm-cortex-m4', largest=4 * MIB),
        python_peer('detools lzma, aarch64', 'host', both(0, 1), 'detools', 'lzma', 'aarch64', largest=big),
        python_peer('bsdiff4', 'host', both(1, 1, 12 * MIB), 'bsdiff4', largest=big),
        Peer('bsdiff', 'host', both(1, 1, 12 * MIB), bsdiff_make, bsdiff_apply, program('bsdiff', 'bspatch'), big),
        Peer('xdelta3 -9 lzma', 'host', both(1, 0, 24 * MIB), xdelta_make, xdelta_apply, program('xdelta3'), huge),
        Peer('zstd --patch-from -19', 'host', both(1, 1), zstd_make, zstd_apply, program('zstd'), huge),
        Peer('rdiff, zstd -19', 'device', fixed(8 * MIB), rdiff_make, rdiff_apply, program('rdiff', 'zstd'), huge),
        Peer('casync 16K', 'device', fixed(MIB), casync_make, casync_apply, program('casync'), huge),
        Peer('zchunk', 'device', fixed(MIB), zchunk_make, zchunk_apply, program('zck', 'unzck', 'zck_delta_size'), huge),
    ]
