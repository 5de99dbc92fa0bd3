#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""report.py --sim CORCACHE-SIM --boot CSV --out DIR [--record DOCS] - all figures about the policies.

Plays the workloads below and writes into DIR: what was simulated as *.csv, tables as policy-figures.rst, miss ratio curves
as policy-*.svg. The same program gives the same files. Exit status 0 also if a target is missed.

  --record DOCS  tables and plots into that directory as well: policy.rst, between its marks, and policy-*.svg
"""
import argparse
import csv
import pathlib
import subprocess
import sys

import plot

BEGIN, END = ".. figures: begin", ".. figures: end"
# Not those that anything was tuned on.
SEED = "100001"
NEW = "--seed", SEED
# After two boots alone and six beside a scan.
RESTART = str(2 * 1900 + 6 * 5 * 1900)
# Accesses that a commit takes.
DELAY = "40"
LINES = "0.01,0.02,0.05,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9"
SHIFTS = {"shift": 1, "shift-longer": 1.6, "shift-shorter": 0.6}

ZIPFS = [f"zipf:alpha={alpha}" for alpha in ("0.6", "0.8", "1.0", "1.2")]
DRIFTS = ["drift:every=200", "drift:every=20", "drift:alpha=0.7,every=50", "jump:every=80000", "jump:every=20000"]
SCANS = ["scan", "scan:length=20000,every=40000", "scan:alpha=1.0,cold=100000,length=4000,every=10000"]


def synthetic(names):
    return [word for name in names for word in ("--synthetic", name)]


# name: arguments of corcache-sim; BOOT is replaced.
RUNS = {
    "loop": synthetic(["loop"]),
    "shift": [*synthetic(SHIFTS), "--phases"],
    "boot": ["--trace", "BOOT", "--fill", "4K", "--exact", "--repeat", "20", "--sizes", "0.1,0.25,0.5,0.75,0.9"],
    "zipf": [*synthetic(ZIPFS), *NEW, "--seeds", "3"],
    "drift": [*synthetic(DRIFTS), *NEW, "--seeds", "3"],
    "scan": [*synthetic(SCANS), *NEW, "--seeds", "3"],
    "images": [*synthetic(["images", "images:vms=8", "images:chunk=8,vms=2"]), *NEW, "--seeds", "20"],
    "mix": [*synthetic(["mix"]), *NEW, "--seeds", "100"],
    "beside": [*synthetic(["beside:alone=2,then=8"]), "--policies", "adaptive", "--phases"],
    "beside-hints": [*synthetic(["beside:alone=2,then=8"]), "--policies", "adaptive", "--phases", "--restart", RESTART],
    "beside-none": [*synthetic(["beside:alone=2,then=8"]), "--policies", "adaptive", "--phases", "--restart", RESTART, "--no-hints"],
    "neighbours": [*synthetic(["neighbours"]), "--phases", "--policies", "adaptive,stop,lru,arc,s3fifo"],
    "curves": [*synthetic(["loop", "zipf", "drift", "scan", "images", "mix"]), *NEW, "--seeds", "3", "--sizes", LINES],
    "curves-boot": ["--trace", "BOOT", "--fill", "4K", "--exact", "--repeat", "20", "--sizes", LINES],
}


DELAYED = ["loop", "shift", "boot", "zipf", "drift", "scan", "images", "mix"]
DELAYED_SEEDS = "5"
for run in DELAYED:
    for delay in "0", DELAY:
        RUNS[f"{run}-delay-{delay}"] = [word for word in RUNS[run] if word != "--phases"] + [
            "--policies", "adaptive", "--evict-delay", delay]
        if run in ("images", "mix"):
            RUNS[f"{run}-delay-{delay}"] += ["--seeds", DELAYED_SEEDS]


def simulate(options, name):
    words = [options.boot if word == "BOOT" else word for word in RUNS[name]]
    text = subprocess.run([options.sim, *words, "--csv"], check=True, stdout=subprocess.PIPE, text=True).stdout
    (options.out / f"{name}.csv").write_text(text)
    return list(csv.DictReader(text.splitlines()))


def table(rows):
    """A simple table of rst; the first row is the header."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rule = " ".join("=" * w for w in widths)
    lines = [rule] + [" ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in rows] + [rule]
    lines.insert(2, rule)
    return "\n".join(lines)


def mean(values):
    values = list(values)
    return sum(values) / len(values)


class Rows:
    """What one run gave."""

    def __init__(self, rows):
        self.rows = rows
        self.policies = list(dict.fromkeys(row["policy"] for row in rows))
        self.cases = list(dict.fromkeys((row["trace"], row["size"]) for row in rows))

    def select(self, trace=None, size=None, policy=None, phase="all"):
        return [row for row in self.rows if (trace is None or row["trace"] == trace) and (size is None or row["size"] == size)
                and (policy is None or row["policy"] == policy) and row["phase"] == phase]

    def mean(self, key, **which):
        return mean(float(row[key]) for row in self.select(**which))

    def hits(self, **which):
        return sum(int(row["accesses"]) - int(row["misses"]) for row in self.select(**which))


def percent(value):
    return f"{100 * value:.1f}"


def matrix(rows, text_of, footer=None):
    """A line per trace and size, a column per policy."""
    lines = [["workload", "cache", *rows.policies]]
    for trace, size in rows.cases:
        lines.append([trace, size, *(text_of(trace, size, policy) for policy in rows.policies)])
    return table(lines + ([["mean", "", *(footer(policy) for policy in rows.policies)]] if footer else []))


def hit_ratios(rows):
    return matrix(rows, lambda t, s, p: percent(1 - rows.mean("miss_ratio", trace=t, size=s, policy=p)))


def cuts(rows):
    return matrix(rows, lambda t, s, p: percent(rows.mean("cut", trace=t, size=s, policy=p)),
                  lambda p: percent(rows.mean("cut", policy=p)))


def mixed(rows):
    """Many traces: the mean and the worst."""
    lines = [["cache", "", *rows.policies]]
    for size in dict.fromkeys(size for _, size in rows.cases):
        of = {p: [float(row["cut"]) for row in rows.select(size=size, policy=p)] for p in rows.policies}
        lines.append([size, "mean", *(percent(mean(of[p])) for p in rows.policies)])
        lines.append(["", "worst", *(percent(min(of[p])) for p in rows.policies)])
    return table(lines)


def after_shift(rows, trace, size, policy):
    """Hits in five loops after the shift, and in the fifth, as a share of those of `stop` started fresh."""
    slots = int(rows.select(trace, size, policy)[0]["slots"])
    length = int(rows.select(trace, size, policy, "after 1")[0]["accesses"])
    fits = min(slots, length)
    hits = [rows.hits(trace=trace, size=size, policy=policy, phase=f"after {i}") for i in range(1, 6)]
    return sum(hits) / (4 * fits), hits[4] / fits


def shifts(rows):
    return matrix(rows, lambda t, s, p: " ".join(f"{share:.2f}" for share in after_shift(rows, t, s, p)))


def delays(runs):
    """Of each workload: hits without and with a delay, how many admissions find no slot, how many commits there are."""
    lines = [["workload", "cache", "slots", "at 0", f"at {DELAY}", "difference", "no slot", "commits"]]
    for name in DELAYED:
        rows, base = runs[f"{name}-delay-{DELAY}"], runs[f"{name}-delay-0"]
        for trace, size in rows.cases:
            of = rows.select(trace, size, "adaptive")
            count = {key: sum(int(row[key]) for row in of) for key in ("accesses", "admitted", "full", "commits")}
            hits = [1 - which.mean("miss_ratio", trace=trace, size=size, policy="adaptive") for which in (base, rows)]
            lines.append([trace, size, of[0]["slots"], percent(hits[0]), percent(hits[1]), percent(hits[1] - hits[0]),
                          percent(count["full"] / max(count["admitted"], 1)), f"{1000 * count['commits'] / count['accesses']:.1f}"])
    return lines


def of_hot(rows, boot):
    """Hits of the hot blocks, as a share: those of the scan are never read again."""
    row, = rows.select(policy="adaptive", phase=f"beside {boot}")
    return (int(row["accesses"]) - int(row["misses"])) / 1900


def restarts(runs):
    lines = [["boot", *(str(boot) for boot in range(1, 9))]]
    for name, run in (("no restart", "beside"), ("hints", "beside-hints"), ("no hints", "beside-none")):
        lines.append([name, *(percent(of_hot(runs[run], boot)) for boot in range(1, 9))])
    return lines


def neighbours(rows):
    def hits(policy, phase):
        of = rows.select(policy=policy, phase=phase)
        return percent(1 - sum(int(row["misses"]) for row in of) / sum(int(row["accesses"]) for row in of))

    loops = 1, 2, 5, 10, 20
    lines = [["policy", "reader", *(f"loop {i}" for i in loops)]]
    for policy in rows.policies:
        for who in "others", "noisy":
            lines.append([policy, who, *(hits(policy, f"{who} {i}") for i in loops)])
    return lines


# ---- what was to be reached ------------------------------------------------------

def verdict(name, target, measured, reached):
    return [name, target, measured, "reached" if reached else "**missed**"]


def judge_loops(rows, name):
    shares = {size: rows.hits(trace=trace, size=size, policy="adaptive") / rows.hits(trace=trace, size=size, policy="stop")
              for trace, size in rows.cases}
    return verdict(name, "at least 0.9 of the hits of stop", ", ".join(f"{share:.3f} at {size}" for size, share in shares.items()),
                   min(shares.values()) >= 0.9)


def judge_shifts(rows):
    shares = {(t, s): after_shift(rows, t, s, "adaptive") for t, s in rows.cases}
    worst = min(shares, key=lambda case: min(shares[case]))
    five, fifth = shares[worst]
    return verdict("after a shift", "at least 0.8 of a fresh stop's hits, over 5 loops and in the fifth",
                   f"worst: {five:.2f}, fifth {fifth:.2f} ({worst[0]} at {worst[1]})", min(five, fifth) >= 0.8)


def judge_cuts(name, runs, least):
    rows = [row for run in runs for row in run.select(policy="adaptive")]
    worst = min(rows, key=lambda row: float(row["cut"]))
    middle = mean(float(row["cut"]) for row in rows)
    return verdict(name, f"never more misses than LRU, mean cut at least {percent(least)} %",
                   f"mean {percent(middle)} %, worst {percent(float(worst['cut']))} % ({worst['trace']} at {worst['size']})",
                   float(worst["cut"]) >= 0 and middle >= least)


def judge_images(rows):
    worst, where = 0, None
    for trace, size in rows.cases:
        ratio = {p: rows.mean("miss_ratio", trace=trace, size=size, policy=p) for p in rows.policies if p != "opt"}
        best = min(ratio, key=ratio.get)
        behind = ratio["adaptive"] / ratio[best] - 1
        if where is None or behind > worst:
            worst, where = behind, f"{trace} at {size}, best: {best}"
    return verdict("three images", "within 3 % of the best online policy's misses", f"worst: {percent(worst)} % above ({where})",
                   worst <= 0.03)


def judge_mix(rows):
    sizes = dict.fromkeys(size for _, size in rows.cases)
    ours, theirs = ({s: rows.mean("cut", size=s, policy=p) for s in sizes} for p in ("adaptive", "s3fifo"))
    return verdict("mixed disks", "mean cut at least that of S3-FIFO",
                   ", ".join(f"{percent(ours[s])} : {percent(theirs[s])} % at {s}" for s in sizes),
                   all(ours[s] >= theirs[s] for s in sizes))


def judge_delay(runs):
    lines = delays(runs)[1:]
    worst = min(lines, key=lambda line: float(line[5]))
    full = max((line for line in lines if int(line[2]) >= 1600), key=lambda line: float(line[6]))
    return verdict("commits that take time", f"at {DELAY}: at most 2 points fewer hits; from 1,600 slots on 10 % of admissions find none",
                   f"worst: {worst[5]} ({worst[0]} at {worst[1]}), {full[6]} % ({full[0]} at {full[1]})",
                   float(worst[5]) >= -2 and float(full[6]) <= 10)


def judge_restart(runs):
    without, after = of_hot(runs["beside"], 8), of_hot(runs["beside-hints"], 8)
    return verdict("a restart", "second boot: within 3 points of none", f"{percent(after)} : {percent(without)} %", after >= without - 0.03)


def targets(runs):
    if "adaptive" not in runs["loop"].policies:
        return "This build has no policy `adaptive`."
    return table([["workload", "to reach", "measured", ""],
                  judge_loops(runs["loop"], "loops"), judge_shifts(runs["shift"]), judge_loops(runs["boot"], "boots of Debian 12"),
                  judge_cuts("Zipf, drift, scans", [runs["zipf"], runs["drift"], runs["scan"]], 0.07),
                  judge_images(runs["images"]), judge_mix(runs["mix"]), judge_delay(runs), judge_restart(runs)])


# ---- the document ------------------------------------------------------------------

def heading(title):
    return f"{title}\n{'-' * len(title)}\n"


def render(runs):
    seeds = f"Seeds from {SEED} on."
    parts = [
        ("What was to be reached", "", targets(runs)),
        ("Loops: hits, %", "20 loops over 2000 regions; the cache holds that share of them.", hit_ratios(runs["loop"])),
        ("Loops: after a shift", "Hits as a share of those of `stop` started fresh: over 5 loops, and in the fifth.",
         shifts(runs["shift"])),
        ("20 boots of Debian 12: hits, %", "Regions of 64 KiB, filled in blocks of 4 KiB; a read is a hit if all of it was there. "
         "The cache as a share of a boot.", hit_ratios(runs["boot"])),
        ("Zipf: LRU's misses cut by, %", f"Mean of 3 seeds. {seeds}", cuts(runs["zipf"])),
        ("Zipf that drifts or jumps: LRU's misses cut by, %", f"Mean of 3 seeds. {seeds}", cuts(runs["drift"])),
        ("Scans over a hot set: LRU's misses cut by, %", f"Mean of 3 seeds. {seeds}", cuts(runs["scan"])),
        ("Three images on one host: LRU's misses cut by, %", f"Mean of 20 seeds. {seeds}", cuts(runs["images"])),
        ("Mixed disks: LRU's misses cut by, %", f"100 traces, no two alike. {seeds}", mixed(runs["mix"])),
        ("Commits that take time", f"Hits, %, of `adaptive`, if what is evicted is free at once and {DELAY} accesses later; the share of\n"
         f"admissions that find no slot, %; commits of reclaim in 1,000 accesses. Images and mixed disks: {DELAYED_SEEDS} seeds.", table(delays(runs))),
        ("A restart", "Hits, %, of 1,900 hot regions in 2,000 slots, in boots beside a scan at four times the rate. The restart is\n"
         "before the seventh.", table(restarts(runs))),
        ("Neighbours", "Hits, %, of four readers that each loop over 450 regions, and of one more that loops over 2,000, the quota,\n"
         "at four times the rate of the others together.", table(neighbours(runs["neighbours"]))),
    ]
    return "\n".join(f"{heading(title)}\n{about}\n\n{body}\n" if about else f"{heading(title)}\n{body}\n" for title, about, body in parts)


def put_into(path, text):
    """Between the marks of the document."""
    before, rest = path.read_text().split(BEGIN, 1)
    _, after = rest.split(END, 1)
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sim", required=True)
    parser.add_argument("--boot", required=True)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--record", type=pathlib.Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    runs = {name: Rows(simulate(options, name)) for name in RUNS}
    text = render(runs)
    (options.out / "policy-figures.rst").write_text(text)
    names = {"loop": "loop", "zipf": "Zipf 0.9", "drift": "Zipf 0.9, drifting", "scan": "scans over a hot set",
             "images": "three images booting", "mix": "mixed disks"}
    plots = {"policy-curves.svg": "curves", "policy-boot.svg": "curves-boot"}
    for file, name in plots.items():
        names[pathlib.Path(options.boot).name] = "20 boots of Debian 12"
        plot.draw(runs[name].rows, options.out / file, names=names)
    if options.record:
        put_into(options.record / "policy.rst", text)
        for file in plots:
            (options.record / file).write_bytes((options.out / file).read_bytes())
    print(targets(runs))
    print(f"\nTables, plots and figures: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
