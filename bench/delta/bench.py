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

MARKS = '<!-- delta-table -->', '<!-- /delta-table -->'


def find_pairs(folder, wanted):
    """Folders that hold old and new, smallest first."""
    pairs = [path for path in sorted(folder.iterdir()) if (path / 'old').is_file() and (path / 'new').is_file()]
    if wanted:
        pairs = [path for path in pairs if path.name in wanted]
        missing = set(wanted) - {path.name for path in pairs}
        if missing:
            sys.exit(f'no such pair in {folder}: {", ".join(sorted(missing))}')
    if not pairs:
        sys.exit(f'{folder}: no folder in it has the files old and new')
    return sorted(pairs, key=lambda path: peers.size(path / 'new'))


def measure(peer, pair, work):
    """One patch: its bytes, what its decoder needs, CPU. A round trip that ends otherwise than in the new image is no result."""
    old, new, out = pair / 'old', pair / 'new', work / 'out'
    begin = time.monotonic()
    sent = peer.make(old, new, work)
    made_s = time.monotonic() - begin
    cpu = min(peer.apply(old, work, out) for _ in range(3 if peers.size(new) < 4 * peers.MIB else 1))
    if not filecmp.cmp(new, out, shallow=False):
        raise peers.Failed(f'{peer.name}: the round trip made other bytes')
    return {'bytes': sent, 'memory': peer.memory(old, new, work), 'apply_cpu_s': round(cpu, 4), 'make_s': round(made_s, 2)}


def measure_pair(pair, all_peers, temp, kept):
    result = {'new': peers.size(pair / 'new'), 'peers': {}}
    for peer in all_peers:
        if result['new'] > peer.largest:
            continue
        if peer.kind != 'ours' and peer.name in kept:
            result['peers'][peer.name] = kept[peer.name]
            continue
        work = Path(tempfile.mkdtemp(dir=temp))
        try:
            got = result['peers'][peer.name] = {'kind': peer.kind, **measure(peer, pair, work)}
            print(f'{pair.name:16} {peer.name:24} {got["bytes"]:>12,}  {got["apply_cpu_s"]:8.3f} s', flush=True)
        except peers.Failed as why:
            result['peers'][peer.name] = {'kind': peer.kind, 'failed': str(why)}
            print(f'{pair.name:16} {peer.name:24} failed: {why}', flush=True)
        finally:
            shutil.rmtree(work)
    return result


def best(result, kinds):
    """(bytes, name) of the smallest patch of these kinds of peers."""
    found = [(p['bytes'], name) for name, p in result['peers'].items() if p['kind'] in kinds and 'bytes' in p]
    return min(found, default=(0, '-'))


def fastest(result):
    """CPU seconds of the device peer that applies fastest, among those whose patch is at most twice the smallest."""
    least = best(result, ('device',))[0]
    cpu = [p['apply_cpu_s'] for p in result['peers'].values() if p['kind'] == 'device' and 'bytes' in p and p['bytes'] <= 2 * least]
    return min(cpu, default=0)


def ratio(ours, theirs):
    return f'{ours / theirs:.2f}' if ours and theirs else '-'


def judged(ours, theirs):
    """The ratio of two sizes; one that a peer wins stands out."""
    return f'**{ratio(ours, theirs)}**' if ours and theirs and ours > theirs else ratio(ours, theirs)


def ours(result, label):
    return result['peers'].get(f'ota-delta {label}', {})


def summary(results):
    """How we stand against the best: one line a pair, for people."""
    lines = ['| pair | new image | ours, 32 KiB | best device peer | ratio | ours, 1 MiB | best of any peer | ratio '
             '| apply CPU, 32 KiB / 1 MiB | decoder KiB |',
             '|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|']
    for name, r in results.items():
        small, large, speed = ours(r, '32K'), ours(r, '1M'), fastest(r)
        device, anyone = best(r, ('device',)), best(r, ('device', 'host'))
        cpu = ' / '.join(ratio(p.get('apply_cpu_s'), speed) for p in (small, large))
        room = ' / '.join(f'{p["memory"] / peers.KIB:.0f}' if 'memory' in p else '-' for p in (small, large))
        lines.append(f'| {name} | {r["new"]:,} | {small.get("bytes", 0):,} | {device[0]:,} ({device[1]}) | '
                     f'{judged(small.get("bytes"), device[0])} | {large.get("bytes", 0):,} | {anyone[0]:,} ({anyone[1]}) | '
                     f'{judged(large.get("bytes"), anyone[0])} | {cpu} | {room} |')
    return lines


def memory_text(n):
    return f'{n / peers.MIB:.0f} MiB' if n >= peers.MIB else f'{n / peers.KIB:.0f} KiB'


def everyone(results):
    """Every peer's bytes. The memory is that of the largest pair that the peer was given."""
    names = list(dict.fromkeys(name for r in results.values() for name in r['peers']))
    lines = ['| peer | decoder memory | ' + ' | '.join(results) + ' |', '|---|--:|' + '--:|' * len(results)]
    for name in names:
        mine = [r['peers'].get(name, {}) for r in results.values()]
        memory = max((p['memory'] for p in mine if 'memory' in p), default=0)
        cells = [f'{p["bytes"]:,}' if 'bytes' in p else 'failed' if 'failed' in p else '-' for p in mine]
        lines.append(f'| {name} | {memory_text(memory) if memory else "-"} | ' + ' | '.join(cells) + ' |')
    return lines


def put_into(path, lines):
    """Replace what stands between the marks."""
    text = path.read_text()
    head, rest = text.split(MARKS[0])
    tail = rest.split(MARKS[1])[1]
    path.write_text(head + MARKS[0] + '\n' + '\n'.join(lines) + '\n' + MARKS[1] + tail)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('build', type=Path)
    parser.add_argument('folder', type=Path)
    parser.add_argument('--pairs', help='only these, separated by commas')
    parser.add_argument('--peers', help='only peers whose name contains one of these, separated by commas')
    parser.add_argument('--into', type=Path, help='put the tables between the marks of this file')
    parser.add_argument('--json', type=Path, help='every figure [delta.json beside BUILD-DIR]')
    parser.add_argument('--keep', type=Path, help='figures of peers that are in this file, from an earlier --json, are not measured again')
    parser.add_argument('--strict', action='store_true', help='fail when a peer is ahead, or our patch was not made')
    a = parser.parse_args()
    tool = a.build.resolve() / 'tools' / 'ota-delta'
    wanted = a.peers.split(',') if a.peers else ['']
    here = [p for p in peers.all_peers(tool) if any(part in p.name for part in wanted) and p.needs()]
    results, kept = {}, json.loads(a.keep.read_text()) if a.keep else {}
    with tempfile.TemporaryDirectory(prefix='ota-bench-delta-') as temp:
        for pair in find_pairs(a.folder, a.pairs.split(',') if a.pairs else None):
            results[pair.name] = measure_pair(pair, here, temp, kept.get(pair.name, {}).get('peers', {}))
    lines = summary(results) + [''] + everyone(results)
    print('\n' + '\n'.join(lines))
    (a.json or a.build.resolve().parent / 'delta.json').write_text(json.dumps(results, indent=1) + '\n')
    if a.into:
        put_into(a.into, lines)
    lost = [name for name, r in results.items() for label, kinds in (('32K', ('device',)), ('1M', ('device', 'host')))
            if 'bytes' not in ours(r, label) or 0 < best(r, kinds)[0] < ours(r, label)['bytes']]
    if a.strict and lost:
        sys.exit(f'a peer is ahead, or our patch was not made: {", ".join(sorted(set(lost)))}')


main()
