#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""report.py --dir DIR [--record DOCS | --check FILE | --write FILE] - what bench.sh makes of what the guests have measured.

Without more: results.json in DIR with the machine and all figures, report.rst with the tables, plots as SVG; the bars on
stdout. Exit status 0 also when a bar is missed: these are measurements, not tests.

  --record DOCS  table and plots also into that directory: benchmarks.rst, between its marks, and benchmark-*.svg
  --check FILE   instructions per read against the recorded ones: KTAP; 1 if one is more than 3 % above
  --write FILE   record them
"""
import argparse
import json
import pathlib
import sys

from bars import BARS
from figures import Figures

TOLERANCE = 0.03
MUCH_LESS = 0.9
BEGIN, END = ".. benchmarks: begin", ".. benchmarks: end"
UNITS = {"icount": "instructions", "uml": "ns", "smp": "ns", "host": "ns"}


def table(rows):
    """An rst grid-less table; the first row is the header."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rule = " ".join("=" * w for w in widths)
    lines = [rule] + [" ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in rows] + [rule]
    lines.insert(2, rule)
    return "\n".join(lines)


def cell(figures, part, kind, test, unit, contender, base):
    middle = figures.median(part, kind, test, unit, contender)
    if middle is None:
        return "-"
    text = f"{middle:,.0f}" if middle >= 100 else f"{middle:.3g}"
    ratio = figures.ratio(part, kind, test, unit, contender, base) if base else None
    if ratio is not None and contender != base:
        text += f" ({ratio:.3f} x)"
    wide = figures.spread(part, kind, test, unit, contender)
    return text if wide < 0.0005 else f"{text} ± {wide:.1%}"


def matrix(figures, part, kind, unit, base):
    """Contenders down, tests across."""
    tests = figures.tests(part, kind, unit)
    rows = [[""] + tests]
    for contender in figures.contenders(part, kind):
        cells = [cell(figures, part, kind, t, unit, contender, base) for t in tests]
        if any(c != "-" for c in cells):
            rows.append([contender] + cells)
    return table(rows) if len(rows) > 1 else None


def listing(figures, part, kind, units):
    """One figure a line, for parts whose tests have little in common."""
    rows = [["test", "contender", "figure"]]
    for unit in units:
        for test in figures.tests(part, kind, unit):
            for contender in figures.contenders(part, kind):
                text = cell(figures, part, kind, test, unit, contender, None)
                if text != "-":
                    rows.append([test, contender, f"{text} {unit}"])
    return table(rows) if len(rows) > 1 else None


def bar_table(figures):
    rows, missed = [["measure", "to reach", "measured", ""]], 0
    for what, limit, judge in BARS:
        verdict = judge(figures)
        if verdict is None:
            rows.append([what, limit, "not measured", ""])
            continue
        missed += verdict[1] is False
        rows.append([what, limit, verdict[0], {True: "reached", False: "**missed**", None: "too noisy"}[verdict[1]]])
    return table(rows), missed


def machine_text(m):
    return (f"{m['cpu']}, {m['processors']} processors, {m['memory_mib']} MiB, kernel {m['host_kernel']}; guests under "
            f"QEMU {m['qemu']} ({m['accelerator']}) and UML; commit {m['commit']}, {m['date']}, seed {m['seed']}.")


SECTIONS = [
    # title, part, kind, unit, the contender that is the unit
    ("Hits: instructions per read (icount)", "hit", "icount", "ns", "linear"),
    ("Hits: ns per read (UML, one processor)", "hit", "uml", "ns", "linear"),
    ("Hits: ns per read (two processors)", "hit", "smp", "ns", "linear"),
    ("Hits: ns per read (this machine)", "hit", "host", "ns", "linear"),
    ("io_uring: IOPS", "nowait", "smp", "iops", "linear"),
    ("io_uring: share of reads handed to workers", "nowait", "smp", "worker_share", None),
    ("Misses: seconds (icount; raw is the remote itself)", "miss", "icount", "s", "raw"),
    ("Misses: median latency, ns (icount)", "miss", "icount", "p50_ns", "raw"),
    ("Misses: 99th percentile of latency, ns (icount)", "miss", "icount", "p99_ns", "raw"),
    ("Misses: seconds (two processors)", "miss", "smp", "s", "nbd"),
    ("Misses: seconds (UML)", "miss", "uml", "s", "nbd"),
    ("Misses: median latency, ns (UML)", "miss", "uml", "p50_ns", "nbd"),
    ("Misses: 99th percentile of latency, ns (UML)", "miss", "uml", "p99_ns", "nbd"),
    ("Misses: bytes read of the origin per byte asked for", "miss", "uml", "ratio", None),
    ("A boot: seconds (UML)", "boot", "uml", "s", "nbd"),
    ("A boot: bytes read of the origin per distinct byte of the trace", "boot", "uml", "ratio", None),
    ("Growth: instructions per hit (icount)", "grow", "icount", "ns", None),
    ("Growth: ns per hit (UML)", "grow", "uml", "ns", None),
]
LISTINGS = [
    ("Activation, memory, commits", "grow", "uml", ["ms", "KiB", "bytes", "us", "flushes", "writes", "bytes-per-fill"]),
]


def heading(title):
    return f"{title}\n{'-' * len(title)}\n"


def render(figures, machine):
    bars, missed = bar_table(figures)
    text = [machine_text(machine), "", heading("What was promised"), bars, ""]
    for title, part, kind, unit, base in SECTIONS:
        body = (matrix(figures, part, kind, unit, base) if part != "grow" else
                listing(figures, part, kind, [unit]))
        if body:
            text += [heading(title), f"{figures.rounds(part, kind)} rounds.", "", body, ""]
    for title, part, kind, units in LISTINGS:
        body = listing(figures, part, kind, units)
        if body:
            text += [heading(title), body, ""]
    return "\n".join(text), bars, missed


# ---- plots -----------------------------------------------------------------------

def plots(figures, directory):
    import matplotlib
    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "corcache", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    made = []

    def save(name, figure):
        figure.tight_layout()
        path = pathlib.Path(directory) / f"benchmark-{name}.svg"
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)
        made.append(path)

    def bars_of(name, title, part, kind, test, unit, base=None):
        values = {c: figures.median(part, kind, test, unit, c) for c in figures.contenders(part, kind)}
        values = {c: v for c, v in values.items() if v is not None}
        if not values:
            return
        figure, axes = pyplot.subplots(figsize=(6, 0.3 * len(values) + 1))
        axes.barh(list(values), list(values.values()),
                  color=["tab:orange" if c.startswith("corcache") else "tab:blue" for c in values])
        if base in values:
            axes.axvline(values[base], color="black", linewidth=0.8, linestyle=":")
        axes.invert_yaxis()
        axes.set_title(title)
        save(name, figure)

    bars_of("hit-4k", "Instructions per 4 KiB hit, QD32 (dotted: dm-linear)", "hit", "icount", "4k-qd32", "ns", "linear")
    bars_of("hit-1m", "Instructions per 1 MiB hit (dotted: dm-linear)", "hit", "icount", "1m-qd1", "ns", "linear")
    bars_of("origin-bytes", "Origin bytes per byte asked for, scattered 4 KiB, first pass", "miss", "uml", "bytes-first", "ratio")

    delays = ["0.2", "1", "5", "20"]
    figure, axes = pyplot.subplots(figsize=(6, 3))
    for contender in ("nbd", "corcache", "corcache-crc"):
        points = [(float(d), figures.median("boot", "uml", f"boot-cold-{d}ms", "s", contender)) for d in delays]
        points = [p for p in points if p[1]]
        if points:
            axes.plot(*zip(*points), marker="o", label=f"{contender}, cold")
    warm = figures.median("boot", "uml", "boot-warm-corcache", "s", "corcache")
    if warm:
        axes.axhline(warm, color="tab:orange", linestyle=":", label="corcache, warm")
    if axes.lines:
        axes.set(xscale="log", yscale="log", xlabel="distance of the remote, ms", ylabel="boot's reads, s",
                 title="The reads of a boot")
        axes.legend()
        save("boot", figure)
    return made


# ---- check -----------------------------------------------------------------------

def instructions(figures):
    return {f"{test} {contender}": round(figures.median("hit", "icount", test, "ns", contender), 1)
            for test in figures.tests("hit", "icount", "ns") for contender in figures.contenders("hit", "icount")}


def check(figures, path):
    """
    dm-linear, which no change of ours touches, is the unit: another kernel or emulator moves both.
    """
    recorded = json.loads(pathlib.Path(path).read_text())["instructions"]
    now = instructions(figures)
    ours = [name for name in recorded | now if not name.endswith(" linear")]
    print("KTAP version 1")
    print(f"1..{len(ours)}")
    failed = 0
    for number, name in enumerate(ours, 1):
        fine, what = judge(name, now, recorded)
        failed += not fine
        print(f"# {name}: {what}")
        print(f"{'ok' if fine else 'not ok'} {number} {name.replace(' ', '_')}")
    return 1 if failed or not ours else 0


def judge(name, now, recorded):
    linear = f"{name.split()[0]} linear"
    missing = [f"{what} was not {how}" for what in (name, linear)
               for figures, how in ((now, "measured"), (recorded, "recorded")) if what not in figures]
    if missing:
        return False, "; ".join(missing)
    unit = now[linear] / recorded[linear]
    ratio = now[name] / (recorded[name] * unit)
    what = (f"{now[name]:,.0f} instructions, recorded {recorded[name]}, dm-linear {unit:.4f} x of what it was then: "
            f"{ratio:.4f} x")
    # so much less is another path, or a figure of another day: it has to be looked at, and recorded
    if ratio < MUCH_LESS:
        return False, f"{what}; if that is right: tools/testing/bench/bench.sh record"
    return ratio <= 1 + TOLERANCE, what


def write_instructions(figures, path):
    kernel = "Debian's 6.1 for amd64, QEMU TCG, -icount shift=0"
    text = json.dumps({"what": "instructions per read, tools/testing/bench/bench.sh record", "where": kernel,
                       "instructions": instructions(figures)}, indent=1)
    pathlib.Path(path).write_text(text + "\n")
    print(text)
    return 0


# ---- main ------------------------------------------------------------------------

def put_into(path, text):
    """Between the marks of the document."""
    document = path.read_text()
    before, rest = document.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


def report(options):
    directory = pathlib.Path(options.dir)
    figures = Figures.load(directory)
    if not figures.lines:
        print("report.py: nothing was measured", file=sys.stderr)
        return 1
    machine = json.loads((directory / "machine.json").read_text())
    (directory / "results.json").write_text(json.dumps({"machine": machine, "results": figures.lines}, indent=0) + "\n")
    text, bars, missed = render(figures, machine)
    (directory / "report.rst").write_text(text + "\n")
    made = plots(figures, directory)
    if options.record:
        docs = pathlib.Path(options.record)
        put_into(docs / "benchmarks.rst", text)
        for path in made:
            (docs / path.name).write_text(path.read_text())
    print(bars)
    print(f"\n{missed} missed. Tables: {directory}/report.rst, raw: {directory}/results.json")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", required=True)
    parser.add_argument("--record")
    parser.add_argument("--check")
    parser.add_argument("--write")
    options = parser.parse_args()
    if options.check:
        return check(Figures.load(options.dir), options.check)
    if options.write:
        return write_instructions(Figures.load(options.dir), options.write)
    return report(options)


if __name__ == "__main__":
    sys.exit(main())
