# SPDX-License-Identifier: Apache-2.0
"""Make every patch of every pair with every peer that is here, apply it, compare, and print tables. See run.sh."""
import argparse
import filecmp
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import peers
import tables

QUICK_PAIRS, QUICK_LARGEST = 2, peers.MIB


def find_pairs(folder, wanted, quick):
    """Folders that hold old and new, smallest first."""
    pairs = [path for path in sorted(folder.iterdir()) if (path / 'old').is_file() and (path / 'new').is_file()]
    if wanted:
        pairs = [path for path in pairs if path.name in wanted]
        missing = set(wanted) - {path.name for path in pairs}
        if missing:
            sys.exit(f'no such pair in {folder}: {", ".join(sorted(missing))}')
    pairs.sort(key=lambda path: peers.size(path / 'new'))
    if quick:
        pairs = [path for path in pairs if peers.size(path / 'new') <= QUICK_LARGEST][:QUICK_PAIRS]
    if not pairs:
        sys.exit(f'{folder}: no folder in it has the files old and new' + (', small enough' if quick else ''))
    return pairs


def measure(peer, pair, work):
    """One patch: its bytes, what its decoder needs, what making and applying cost. A round trip that ends otherwise than in the
    new image is no result."""
    old, new, out = pair / 'old', pair / 'new', work / 'out'
    begin = time.monotonic()
    sent, create = peer.make(old, new, work)
    made_s = time.monotonic() - begin
    runs = [peer.apply(old, work, out) for _ in range(3 if peers.size(new) < 4 * peers.MIB else 1)]
    if not filecmp.cmp(new, out, shallow=False):
        raise peers.Failed(f'{peer.name}: the round trip made other bytes')
    return {'bytes': sent, 'memory': peer.memory(old, new, work), 'create_cpu_s': round(create.cpu_s, 4), 'create_peak': create.peak,
            'create_s': round(made_s, 2), 'apply_cpu_s': round(min(r.cpu_s for r in runs), 4),
            'apply_peak': min(r.peak for r in runs)}


def measure_peer(peer, pair, temp):
    figures = {'kind': peer.kind, 'coder': peer.coder}
    work = Path(tempfile.mkdtemp(dir=temp))
    try:
        figures.update(measure(peer, pair, work))
        print(f'{pair.name:16} {peer.name:24} {figures["bytes"]:>12,}  {figures["apply_cpu_s"]:8.3f} s', flush=True)
    except peers.Failed as why:
        figures['failed'] = str(why)
        print(f'{pair.name:16} {peer.name:24} failed: {why}', flush=True)
    finally:
        shutil.rmtree(work)
    return figures


def measure_all(pairs, all_peers, kept, temp, into):
    """What is known so far is written down after each peer: a run of an hour may be cut short, and gone on with by --keep."""
    results = {}
    for pair in pairs:
        result = results[pair.name] = {'new': peers.size(pair / 'new'), 'peers': {}}
        had = kept.get(pair.name, {}).get('peers', {})
        for peer in all_peers:
            if result['new'] > peer.largest:
                continue
            keep = peer.kind != 'ours' and peer.name in had
            result['peers'][peer.name] = had[peer.name] if keep else measure_peer(peer, pair, temp)
            into.write_text(json.dumps(results, indent=1) + '\n')
    return results


def put_into(path, name, lines):
    """Replace what stands between the marks of that name."""
    begin, end = f'<!-- {name} -->', f'<!-- /{name} -->'
    text = path.read_text()
    if begin not in text or end not in text:
        sys.exit(f'{path}: it has no {begin} ... {end}')
    head, rest = text.split(begin)
    path.write_text(head + begin + '\n' + '\n'.join(lines) + '\n' + end + rest.split(end)[1])


def lost(results):
    """Pairs where a peer of the class that we are held to is ahead, or no patch was made."""
    return [name for name, r in results.items() for label, best in zip(tables.OURS, (tables.best_deflate, tables.best_any))
            if 'bytes' not in tables.ours(r, label) or 0 < best(r)[0] < tables.ours(r, label)['bytes']]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('build', type=Path)
    parser.add_argument('folder', type=Path)
    parser.add_argument('--pairs', help='only these, separated by commas')
    parser.add_argument('--peers', help='only peers whose name contains one of these, separated by |')
    parser.add_argument('--quick', action='store_true', help='the two smallest pairs of at most 1 MiB')
    parser.add_argument('--into', type=Path, help='put the tables between the marks of this file')
    parser.add_argument('--marks', default='delta-table', help='which marks: <!-- NAME --> to <!-- /NAME --> [delta-table]')
    parser.add_argument('--short', action='store_true', help='only the two tables that compare us with the best')
    parser.add_argument('--json', type=Path, help='every figure [delta.json beside BUILD-DIR]')
    parser.add_argument('--keep', type=Path, help='figures of peers that are in this file, from an earlier --json, are not measured again')
    parser.add_argument('--strict', action='store_true', help='fail when a peer is ahead, or our patch was not made')
    a = parser.parse_args()
    build = a.build.resolve()
    peers.METER = build / 'bench' / 'bench_cost'
    wanted = a.peers.split('|') if a.peers else ['']
    here = [p for p in peers.all_peers(build / 'tools' / 'ota-delta') if any(part in p.name for part in wanted) and p.needs()]
    kept = json.loads(a.keep.read_text()) if a.keep else {}
    pairs = find_pairs(a.folder, a.pairs.split(',') if a.pairs else None, a.quick)
    with tempfile.TemporaryDirectory(prefix='ota-bench-delta-') as temp:
        results = measure_all(pairs, here, kept, temp, a.json or build.parent / 'delta.json')
    lines = tables.short_tables(results) if a.short else tables.all_tables(results)
    print('\n' + '\n'.join(lines))
    if a.into:
        put_into(a.into, a.marks, lines)
    if a.strict and lost(results):
        sys.exit(f'a peer is ahead, or our patch was not made: {", ".join(sorted(set(lost(results))))}')


main()
