#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""plot.py -o FILE.svg|FILE.png [--title TEXT] [--log] [CSV...] - miss ratio curves of what corcache-sim --csv has printed.

A panel per trace, a line per policy, the size of the cache as a share of its blocks from left to right. Several seeds of a
workload count as their mean. Without a CSV file: standard input. The same input gives the same file.
"""
import argparse
import collections
import csv
import math
import sys

# One look per policy in every plot.
STYLES = {
    "adaptive": ("tab:red", "-", 2.2), "stop": ("tab:red", ":", 1.6), "lru": ("black", "-", 1.4),
    "fifo": ("tab:gray", ":", 1.0), "clock": ("tab:gray", "--", 1.0), "random": ("tab:gray", "-.", 1.0),
    "2q": ("tab:olive", "-", 1.0), "arc": ("tab:green", "-", 1.0), "lirs": ("tab:blue", "-", 1.0),
    "sieve": ("tab:cyan", "-", 1.0), "s3fifo": ("tab:orange", "-", 1.0), "opt": ("black", ":", 1.0),
}


def read(files):
    """The rows for whole traces."""
    rows = []
    for file in files:
        reader = csv.DictReader(file)
        missing = {"trace", "phase", "size", "policy", "miss_ratio"} - set(reader.fieldnames or ())
        if missing:
            raise ValueError(f"{file.name}: no column {', '.join(sorted(missing))}: this is not what corcache-sim --csv prints")
        rows += [row for row in reader if row["phase"] == "all"]
    return rows


def curves(rows):
    """{trace: {policy: [(size, miss ratio)]}}, over the seeds the mean."""
    sums = collections.defaultdict(list)
    for row in rows:
        sums[row["trace"], row["policy"], float(row["size"])].append(float(row["miss_ratio"]))
    found = {}
    for (trace, policy, size), ratios in sums.items():
        found.setdefault(trace, {}).setdefault(policy, []).append((size, sum(ratios) / len(ratios)))
    return found


def draw(rows, path, title=None, log=False, names=None):
    import matplotlib
    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "corcache", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    found = curves(rows)
    across = math.ceil(math.sqrt(len(found)))
    down = math.ceil(len(found) / across)
    figure, panels = pyplot.subplots(down, across, figsize=(4.2 * across + 1, 3 * down), squeeze=False)
    panels = [panel for line in panels for panel in line]
    lines = {}
    for panel, (trace, policies) in zip(panels, found.items()):
        for policy, points in policies.items():
            color, style, width = STYLES.get(policy, (None, "-", 1.0))
            lines[policy], = panel.plot(*zip(*sorted(points)), color=color, linestyle=style, linewidth=width,
                                        zorder=3 if policy == "adaptive" else 2)
        panel.set(title=(names or {}).get(trace, trace), ylim=(0, 1.02), xlabel="cache / footprint", ylabel="miss ratio")
        if log:
            panel.set_xscale("log")
        panel.grid(linewidth=0.3)
    for panel in panels[len(found):]:
        panel.set_visible(False)
    figure.legend(lines.values(), lines.keys(), loc="center right")
    if title:
        figure.suptitle(title)
    figure.tight_layout(rect=(0, 0, 1 - 1.1 / (4.2 * across + 1), 1))
    figure.savefig(path, metadata={"Date": None} if str(path).endswith(".svg") else None)
    pyplot.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--title")
    parser.add_argument("--log", action="store_true", help="a logarithmic axis of sizes")
    parser.add_argument("csv", nargs="*", type=argparse.FileType())
    options = parser.parse_args()
    try:
        rows = read(options.csv or [sys.stdin])
        if not rows:
            raise ValueError("no rows in what was read")
        draw(rows, options.output, options.title, options.log)
    except ValueError as error:
        sys.exit(f"plot.py: {error}")


if __name__ == "__main__":
    main()
