# SPDX-License-Identifier: GPL-2.0-only
"""figures.py - what the benchmarks have measured: raw lines, medians, spreads, ratios.

A figure has a part, a kind (where it ran), a test, a contender, a round, a unit and a value. Contenders take turns within a
round, so ratios are taken per round, and the median of these is the ratio: what slows the machine down for a while slows
down both.
"""
import json
import pathlib
import statistics


def spread(values):
    """Half of the range, as a share of the median."""
    middle = statistics.median(values)
    return (max(values) - min(values)) / 2 / middle if middle else 0.0


class Figures:
    def __init__(self, lines):
        self.lines = lines
        taken = {}
        for line in lines:
            key = (line["part"], line["kind"], line["test"], line["unit"], line["contender"])
            taken.setdefault(key, {}).setdefault(line["round"], []).append(float(line["value"]))
        # What is over in no time is measured several times in a round.
        self.values = {key: {r: statistics.median(v) for r, v in rounds.items()} for key, rounds in taken.items()}

    @classmethod
    def load(cls, directory):
        """All parts below @directory, or that part itself."""
        lines = []
        for path in sorted(pathlib.Path(directory).glob("**/results.jsonl")):
            if path.parent.name == "check" and path.parent != pathlib.Path(directory):
                continue
            lines += [json.loads(line) for line in path.read_text().splitlines()]
        return cls(lines)

    def series(self, part, kind, test, unit, contender):
        """Values by round; empty if it was not measured."""
        return self.values.get((part, kind, test, unit, contender), {})

    def median(self, *key):
        values = self.series(*key)
        return statistics.median(values.values()) if values else None

    def spread(self, *key):
        values = self.series(*key)
        return spread(list(values.values())) if values else None

    def ratios(self, part, kind, test, unit, contender, base):
        """Of @contender to @base, by round, for the rounds that both have."""
        ours = self.series(part, kind, test, unit, contender)
        theirs = self.series(part, kind, test, unit, base)
        return [ours[r] / theirs[r] for r in ours if r in theirs and theirs[r]]

    def ratio(self, *key):
        values = self.ratios(*key)
        return statistics.median(values) if values else None

    def tests(self, part, kind, unit):
        """Names, in the order in which they were first measured."""
        return list(dict.fromkeys(l["test"] for l in self.lines
                                  if (l["part"], l["kind"], l["unit"]) == (part, kind, unit)))

    def contenders(self, part, kind):
        return list(dict.fromkeys(l["contender"] for l in self.lines if (l["part"], l["kind"]) == (part, kind)))

    def rounds(self, part, kind):
        return max((l["round"] for l in self.lines if (l["part"], l["kind"]) == (part, kind)), default=0)
