# SPDX-License-Identifier: Apache-2.0
"""What bench.py measured, as tables. A ratio of sizes that a peer wins, and a goal that was missed, are bold."""
from peers import KIB, MIB

OURS = '32K', '1M'

# Goals for the bytes of a patch with a decoder of at most 32 KiB and of at most 1 MiB. A number; or a rule, see goal().
GOALS = {
    'cm3-ubertooth': (2800, 2600), 'cm0-oneline': (400, 330), 'cm0-microbit': (79000, 73000), 'cm4-secfix': (1450, 1300),
    'arm7-nxt': (32500, 30500), 'riscv-opensbi': (67000, 60000), 'arm-uboot': (130000, 115000),
    'thumb-libcrypto': (107000, 67000), 'a64-kernel': (800000, 450000), 'arm-kernel': (800000, 405000),
    'a64-kernel-gz': (None, ('our', 'a64-kernel', 1.3)), 'rootfs-sqfs-gz': (None, ('any', 0.5)),
    'rootfs-ext4': (('deflate',), ('any', 1)), 'rootfs-sqfs-xz': (('deflate',), ('any', 1)),
}


def made(result):
    """name -> figures of those that made a patch."""
    return {name: p for name, p in result['peers'].items() if 'bytes' in p}


def ours(result, label):
    return made(result).get(f'ota-delta {label}', {})


def best(result, fits):
    """(bytes, name) of the smallest patch of the peers that fit."""
    return min(((p['bytes'], name) for name, p in made(result).items() if p['kind'] != 'ours' and fits(p)), default=(0, '-'))


def best_deflate(result):
    return best(result, lambda p: p['coder'] == 'deflate')


def best_any(result):
    return best(result, lambda p: True)


def fastest(result, fits):
    """(CPU seconds, name) of the peer that applies fastest, among those that fit whose patch is at most twice their smallest."""
    least = best(result, fits)[0]
    return min(((p['apply_cpu_s'], name) for name, p in made(result).items()
                if p['kind'] != 'ours' and fits(p) and p['bytes'] <= 2 * least), default=(0, '-'))


def goal(results, name, index):
    """The goal's bytes; 0 without one, or without what it is told by."""
    rule = GOALS.get(name, (None, None))[index]
    if rule is None or isinstance(rule, int):
        return rule or 0
    if rule[0] == 'deflate':
        return best_deflate(results[name])[0]
    if rule[0] == 'any':
        return int(best_any(results[name])[0] * rule[1])
    return int(ours(results.get(rule[1], {'peers': {}}), OURS[index]).get('bytes', 0) * rule[2])


def ratio(one, other):
    """With as many digits as tell it from 1."""
    if not one or not other:
        return '–'
    return f'{one / other:.2f}' if one == other or f'{one / other:.2f}' != '1.00' else f'{one / other:.4f}'


def judged(one, other):
    return f'**{ratio(one, other)}**' if one and other and one > other else ratio(one, other)


def number(n):
    return f'{n:,}' if n else '–'


def table(heads, rows):
    return ['| ' + ' | '.join(heads) + ' |', '|---|' + '--:|' * (len(heads) - 1)] + ['| ' + ' | '.join(row) + ' |' for row in rows]


def met(bytes_made, wanted):
    """A goal and what became of it; nothing where there is no goal, or no patch was made."""
    if not wanted or not bytes_made:
        return '–'
    return f'{wanted:,} met' if bytes_made <= wanted else f'**{wanted:,} missed**'


def sizes(results):
    """How we stand against the best: one line a pair."""
    rows = []
    for name, r in results.items():
        small, large = (ours(r, label).get('bytes', 0) for label in OURS)
        deflate, anyone = best_deflate(r), best_any(r)
        rows.append([name, number(r['new']), number(small), met(small, goal(results, name, 0)), f'{number(deflate[0])} ({deflate[1]})',
                     judged(small, deflate[0]), number(large), met(large, goal(results, name, 1)), f'{number(anyone[0])} ({anyone[1]})',
                     judged(large, anyone[0])])
    return table(['pair', 'new image', 'ours, 32 KiB', 'goal', 'best deflate-class peer', 'ratio', 'ours, 1 MiB', 'goal',
                  'best of any peer', 'ratio'], rows)


def seconds(s):
    return f'{s:.3f}' if s < 10 else f'{s:,.0f}'


def memory_text(n):
    return f'{n / MIB:,.0f} MiB' if n >= MIB else f'{n / KIB:.0f} KiB'


def pair_of(mine, key, text):
    return ' / '.join(text(p[key]) if key in p else '–' for p in mine)


def costs(results):
    """What making and applying takes, 32 KiB / 1 MiB, beside the fastest peers of the two classes that it may be held to."""
    rows = []
    for name, r in results.items():
        mine = [ours(r, label) for label in OURS]
        classes = [fastest(r, fits) for fits in (lambda p: p['kind'] == 'device', lambda p: p['coder'] == 'model')]
        row = [name, pair_of(mine, 'create_cpu_s', seconds), pair_of(mine, 'create_peak', memory_text),
               pair_of(mine, 'apply_cpu_s', seconds), pair_of(mine, 'memory', lambda n: f'{n / KIB:.0f} KiB'),
               pair_of(mine, 'apply_peak', memory_text)]
        for cpu_s, peer in classes:
            against = ' / '.join(ratio(p.get('apply_cpu_s'), cpu_s) for p in mine)
            row.append(f'{against} ({peer})')
        rows.append(row)
    return table(['pair', 'create, CPU s', 'create, peak', 'apply, CPU s', 'decoder, stated', 'apply, process peak',
                  'apply CPU against the fastest device peer', '... the fastest with a modelled coder'], rows)


def everyone(results, key, text):
    """One figure of everyone. The decoder's memory is that of the largest pair that the peer was given."""
    rows = []
    for name in dict.fromkeys(name for r in results.values() for name in r['peers']):
        mine = [r['peers'].get(name, {}) for r in results.values()]
        memory = max((p['memory'] for p in mine if 'memory' in p), default=0)
        rows.append([name, memory_text(memory) if memory else '–'] +
                    [text(p[key]) if key in p else 'failed' if 'failed' in p else '–' for p in mine])
    return table(['peer', 'decoder memory', *results], rows)


def short_tables(results):
    return sizes(results) + [''] + costs(results)


def all_tables(results):
    lines = short_tables(results)
    for title, key, text in (('Bytes', 'bytes', number), ('Making, CPU seconds', 'create_cpu_s', seconds),
                             ('Making, peak memory', 'create_peak', memory_text), ('Applying, CPU seconds', 'apply_cpu_s', seconds),
                             ('Applying, peak memory of the process', 'apply_peak', memory_text)):
        lines += ['', f'{title}:', ''] + everyone(results, key, text)
    return lines
