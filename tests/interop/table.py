# SPDX-License-Identifier: Apache-2.0
"""The table of scenarios. A scenario is a function of a stage; its theme says what it is about."""


class Scenario:
    def __init__(self, theme, name, play):
        self.theme, self.name, self.play = theme, name, play


ALL = []


def scenario(theme):
    def add(play):
        ALL.append(Scenario(theme, play.__name__, play))
        return play
    return add


def scenarios(theme, cases):
    """One scenario for each case of a table: play(stage, *values). @param cases  {name: values}"""
    def add(play):
        for name, values in cases.items():
            many = values if isinstance(values, tuple) else (values,)
            ALL.append(Scenario(theme, f"{play.__name__}[{name}]", lambda stage, play=play, many=many: play(stage, *many)))
        return play
    return add
