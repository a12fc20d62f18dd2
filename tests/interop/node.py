# SPDX-License-Identifier: Apache-2.0
"""The process of tufjs.js."""
import json
import pathlib
import subprocess


class Refused(Exception):
    """tuf-js said no."""


class Node:
    def __init__(self, program, modules):
        script = pathlib.Path(__file__).with_name("tufjs.js")
        self.process = subprocess.Popen([program, "--no-warnings", script, modules], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, op, **request):
        self.process.stdin.write(json.dumps({"op": op, **request}) + "\n")
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("tufjs.js ended")
        answer = json.loads(line)
        if not answer["ok"]:
            raise Refused(answer["why"])
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
