# SPDX-License-Identifier: Apache-2.0
"""The core's call graph, from what gcc -fcallgraph-info=su leaves beside each object: no recursion, bounded stack.

A call through a pointer is either a port's function (its source line says `ops->`), which leaves the core and by
contract never comes back, or its file is declared in indirect.txt, with the functions that may be reached.
"""
import re
from fnmatch import fnmatchcase
from pathlib import Path

from tree import listed

NODE = re.compile(r'^node: \{ title: "([^"]+)" label: "([^"]*)"')
EDGE = re.compile(r'^edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)" label: "([^"]*):(\d+):\d+"')
STACK = re.compile(r"\\n(\d+) bytes \(([a-z,]+)\)")
INDIRECT = "__indirect_call"
PORT_CALL = re.compile(r"\bops->\w+\s*\)?\(")


def short(title):
    """A static function's title begins with its file."""
    return title.rsplit(":", 1)[-1]


def matches(title, patterns):
    return any(fnmatchcase(short(title), p) for p in patterns)


class Graph:
    def __init__(self, ci_files):
        self.stack = {}      # function -> bytes of its own frame
        self.unbounded = []  # functions whose frame has no fixed size
        self.calls = {}      # function -> set of functions
        self.indirect = []   # (function, file, line)
        for path in ci_files:
            for text in path.read_text().splitlines():
                self._read(text)

    def _read(self, text):
        node = NODE.match(text)
        if node and (frame := STACK.search(node.group(2))):
            self.stack[node.group(1)] = int(frame.group(1))
            if frame.group(2) == "dynamic":
                self.unbounded.append(node.group(1))
        edge = EDGE.match(text)
        if edge and edge.group(2) == INDIRECT:
            self.indirect.append((edge.group(1), Path(edge.group(3)), int(edge.group(4))))
        elif edge:
            self.calls.setdefault(edge.group(1), set()).add(edge.group(2))

    def declare(self, rules):
        """Turn indirect calls into edges; return complaints on those that nothing explains, and on rules that explain nothing."""
        found = []
        used = set()
        for caller, path, line in self.indirect:
            if is_port_call(path, line):
                continue
            rule = next((r for r in rules if str(path).endswith("/" + r)), None)
            if rule is None:
                found.append(f"{path}:{line}: call through a pointer is neither a port's nor declared in indirect.txt")
                continue
            used.add(rule)
            self.calls.setdefault(caller, set()).update(f for f in self.stack if matches(f, rules[rule]))
        for rule, patterns in rules.items():
            found += [f"indirect.txt: {p} matches no function" for p in patterns if not any(matches(f, [p]) for f in self.stack)]
        return found + [f"indirect.txt: {rule} calls nothing through a pointer" for rule in sorted(set(rules) - used)]

    def peaks(self):
        """(function -> deepest stack in bytes, list of cycles), both found in one walk."""
        peak, cycles, path = {}, [], []

        def visit(function):
            if function in path:
                cycles.append(path[path.index(function):] + [function])
                return 0
            if function not in peak:
                path.append(function)
                below = max((visit(callee) for callee in sorted(self.calls.get(function, ()))), default=0)
                path.pop()
                peak[function] = self.stack.get(function, 0) + below
            return peak[function]

        for function in sorted(self.stack):
            visit(function)
        return peak, cycles


def is_port_call(path, line):
    return bool(PORT_CALL.search(path.read_text().splitlines()[line - 1]))


def read_rules(path):
    """source file -> [patterns of functions that its calls through pointers may reach]"""
    rules = {}
    for line in listed(path) if path.is_file() else []:
        source, arrow, callees = line.partition(" -> ")
        if not arrow:
            raise ValueError(f"{path}: not 'file -> function...': {line}")
        rules.setdefault(source.strip(), []).extend(callees.split())
    return rules


def check(graph, rules):
    found = graph.declare(rules)
    _, cycles = graph.peaks()
    found += [f"{f}: stack frame without a fixed size" for f in sorted(graph.unbounded)]
    return found + ["recursion: " + " -> ".join(short(f) for f in cycle) for cycle in cycles]


def report(graph, count=10):
    """The public functions that need most stack."""
    peak, _ = graph.peaks()
    public = {f: p for f, p in peak.items() if f.startswith("ota_")}
    return [(public[f], f) for f in sorted(public, key=public.get, reverse=True)[:count]]
