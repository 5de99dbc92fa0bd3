# SPDX-License-Identifier: GPL-2.0-only
"""bars.py - what corcache has to reach, each with how it follows from the figures.

A bar is a sentence, a limit as it is written, and a function of the figures that gives (what was measured as text, reached
or not), or None if that was not measured. "None" for "reached or not" says that the figures spread too far to tell.
"""

# What a figure may differ from itself, and still say something.
TOO_NOISY = 0.2


def at_most(limit, part, kind, test, contender, base, unit="ns"):
    """A ratio, as the median over rounds."""
    def judge(figures):
        values = figures.ratios(part, kind, test, unit, contender, base)
        if not values:
            return None
        value = figures.ratio(part, kind, test, unit, contender, base)
        text = f"{value:.4f} x" if kind == "icount" else f"{value:.3f} x ({min(values):.3f} to {max(values):.3f})"
        return text, value <= limit
    return judge


def at_least(limit, part, kind, test, contender, base, unit):
    def judge(figures):
        value = figures.ratio(part, kind, test, unit, contender, base)
        return None if value is None else (f"{value:.3f} x", value >= limit)
    return judge


def within_spread(part, kind, test, contender, base, unit="ns"):
    """No slower than @base, beyond what @base differs from itself."""
    def judge(figures):
        value = figures.ratio(part, kind, test, unit, contender, base)
        if value is None:
            return None
        allowed = figures.spread(part, kind, test, unit, base)
        reached = value <= 1 + allowed if allowed < TOO_NOISY else None
        return f"{value:.3f} x, {base} itself ± {allowed:.1%}", reached
    return judge


def versus(limit, part, kind, test, other, contender, unit):
    """One test in units of another, of the same contender."""
    def judge(figures):
        ours = figures.median(part, kind, test, unit, contender)
        theirs = figures.median(part, kind, other, unit, contender)
        return None if not ours or not theirs else (f"{ours / theirs:.3f} x", ours / theirs <= limit)
    return judge


def value_at_most(limit, part, kind, test, unit, contender, form="{:.2f}"):
    def judge(figures):
        value = figures.median(part, kind, test, unit, contender)
        return None if value is None else (form.format(value), value <= limit)
    return judge


def scaling(contender, base):
    """What two jobs do of what one does, beside what @base does."""
    def factor(figures, name):
        one = figures.median("hit", "smp", "4k-qd32-1job", "ns", name)
        two = figures.median("hit", "smp", "4k-qd32-2jobs", "ns", name)
        return one / two if one and two else None

    def judge(figures):
        ours, theirs = factor(figures, contender), factor(figures, base)
        if not ours or not theirs:
            return None
        noise = max(figures.spread("hit", "smp", test, "ns", name)
                    for test in ("4k-qd32-1job", "4k-qd32-2jobs") for name in (contender, base))
        reached = ours >= theirs * (1 - noise) if noise < TOO_NOISY else None
        return f"x {ours:.2f}, {base} x {theirs:.2f} (± {noise:.1%})", reached
    return judge


def flat(prefix, limit):
    """The dearest of the tests of @prefix over the cheapest, each in units of dm-linear in the same boot."""
    def judge(figures):
        for kind in ("icount", "uml"):
            ratios = {}
            for test in figures.tests("grow", kind, "ns"):
                value = figures.ratio("grow", kind, test, "ns", "corcache", "linear")
                if test.startswith(prefix) and value:
                    ratios[test] = value
            if len(ratios) > 1:
                worst, best = max(ratios.values()), min(ratios.values())
                return f"{best:.4f} to {worst:.4f} x dm-linear ({kind}, {len(ratios)} sizes)", worst / best <= limit
        return None
    return judge


BARS = [
    ("4 KiB hits, QD1, instructions", "1.05 x dm-linear", at_most(1.05, "hit", "icount", "4k-qd1", "corcache", "linear")),
    ("4 KiB hits, QD32, instructions", "1.05 x", at_most(1.05, "hit", "icount", "4k-qd32", "corcache", "linear")),
    ("the same, checksums on, QD1", "1.35 x", at_most(1.35, "hit", "icount", "4k-qd1", "corcache-crc", "linear")),
    ("the same, checksums on, QD32", "1.35 x", at_most(1.35, "hit", "icount", "4k-qd32", "corcache-crc", "linear")),
    ("64 KiB hits", "1.02 x", at_most(1.02, "hit", "icount", "64k-qd1", "corcache", "linear")),
    ("64 KiB hits, checksums on", "2.0 x", at_most(2.0, "hit", "icount", "64k-qd1", "corcache-crc", "linear")),
    ("1 MiB hits, filled sequentially", "1.01 x", at_most(1.01, "hit", "icount", "1m-qd1", "corcache", "linear")),
    ("1 MiB hits, checksums on", "2.15 x", at_most(2.15, "hit", "icount", "1m-qd1", "corcache-crc", "linear")),
    ("1 MiB hits, filled in runs of 4 regions", "1.05 x",
     at_most(1.05, "hit", "icount", "1m-qd1", "corcache-run4", "linear")),
    ("1 MiB hits, filled in runs of 1", "1.20 x", at_most(1.20, "hit", "icount", "1m-qd1", "corcache-run1", "linear")),
    ("4 KiB hits, QD1, ns", "dm-linear's, within its spread", within_spread("hit", "uml", "4k-qd1", "corcache", "linear")),
    ("4 KiB hits, QD32, ns", "within the spread", within_spread("hit", "uml", "4k-qd32", "corcache", "linear")),
    ("1 MiB hits, ns", "within the spread", within_spread("hit", "uml", "1m-qd1", "corcache", "linear")),
    ("2 processors, QD32, 1 to 2 jobs", "as dm-linear", scaling("corcache", "linear")),
    ("io_uring, hits handed to workers, QD1", "none",
     value_at_most(0, "nowait", "smp", "hit-qd1", "worker_share", "corcache", "{:.2%}")),
    ("io_uring, hits handed to workers, QD32", "none",
     value_at_most(0, "nowait", "smp", "hit-qd32", "worker_share", "corcache", "{:.2%}")),
    ("io_uring, hits, QD1, IOPS", "0.95 x dm-linear", at_least(0.95, "nowait", "smp", "hit-qd1", "corcache", "linear", "iops")),
    *[(f"cold 4 KiB reads, {name}, time (remote that takes no processor)", "1.02 x the remote",
       at_most(1.02, "miss", "icount", name, "corcache", "raw", "s"))
      for name in ("timer-qd1", "timer-qd16")],
    *[(f"the same, {name}, {unit[:3]}", "1.03 x", at_most(1.03, "miss", "icount", name, "corcache", "raw", unit))
      for name in ("timer-qd1", "timer-qd16") for unit in ("p50_ns", "p99_ns")],
    *[(f"the same, {name}, time, the cache device busy", "1.02 x the remote",
       at_most(1.02, "miss", "icount", name, "corcache-busy", "raw", "s"))
      for name in ("timer-qd1", "timer-qd16")],
    *[(f"cold 4 KiB reads, {name}, time (NBD, one processor)", "1.02 x plain nbd",
       at_most(1.02, "miss", "uml", name, "corcache", "nbd", "s"))
      for name in ("dense-qd1", "dense-qd16", "sparse-qd1", "sparse-qd16")],
    *[(f"the same, {name}, {unit[:3]}", "1.03 x", at_most(1.03, "miss", "uml", name, "corcache", "nbd", unit))
      for name in ("sparse-qd1", "sparse-qd16") for unit in ("p50_ns", "p99_ns")],
    *[(f"cold 4 KiB reads, {name}, time (NBD, two processors)", "1.02 x plain nbd",
       at_most(1.02, "miss", "smp", name, "corcache", "nbd", "s"))
      for name in ("sparse-qd1", "sparse-qd16")],
    *[(f"cold sequential read, {name}, time ({where})", "1.00 x plain nbd",
       at_most(1.00, "miss", kind, name, "corcache", "nbd", "s"))
      for kind, where in (("uml", "one processor"), ("smp", "two processors"))
      for name in ("seq-buffered", "seq-far", "seq-1m")],
    ("origin bytes per byte asked for, scattered, first pass", "1.00",
     value_at_most(1.0, "miss", "uml", "bytes-first", "ratio", "corcache", "{:.4f}")),
    ("the same, 8 readers of the same blocks at once", "1.00",
     value_at_most(1.0, "miss", "uml", "bytes-same", "ratio", "corcache", "{:.4f}")),
    ("second pass", "0", value_at_most(0, "miss", "uml", "bytes-second", "ratio", "corcache", "{:.4f}")),
    ("second pass after an unclean restart", "0",
     value_at_most(0, "miss", "uml", "bytes-crash", "ratio", "corcache", "{:.4f}")),
    *[(f"boot, cold, {delay}, time", "1.00 x plain nbd", at_most(1.00, "boot", "uml", f"boot-cold-{delay}", "corcache", "nbd", "s"))
      for delay in ("0.2ms", "1ms", "5ms", "20ms")],
    ("boot, warm, time", "1.03 x local device", at_most(1.03, "boot", "uml", "boot-warm-corcache", "corcache", "local", "s")),
    ("64 boots at once, remote bytes", "those of one", versus(1.0, "boot", "uml", "boot-5ms-64", "boot-5ms-1", "corcache", "bytes")),
    ("64 boots at once, time", "1.1 x one boot's", versus(1.1, "boot", "uml", "boot-5ms-64", "boot-5ms-1", "corcache", "s")),
    ("hits at 0.1 to 100 GB of cache, origins of 1 GB to 64 TiB", "flat (1 %)", flat("warm-", 1.01)),
    ("hits in full caches of 0.1 to 100 GB", "flat (1 %)", flat("full-", 1.01)),
    ("a cache of 100 GB, with checksums, becomes active, its table empty", "1,000 ms",
     value_at_most(1000, "grow", "uml", "resume-100g-empty", "ms", "corcache-crc", "{:.0f} ms")),
    ("the same, every slot in use", "1,000 ms",
     value_at_most(1000, "grow", "uml", "resume-100g-full", "ms", "corcache-crc", "{:.0f} ms")),
    ("memory per region of the cache device", "32 bytes",
     value_at_most(32, "grow", "uml", "memory-cache-region", "bytes", "corcache", "{:.2f}")),
    ("memory per region of the origin", "8 bytes",
     value_at_most(8, "grow", "uml", "memory-origin-region", "bytes", "corcache", "{:.2f}")),
    ("memory per block of the cache device, with checksums", "4 bytes",
     value_at_most(4.01, "grow", "uml", "memory-block", "bytes", "corcache-crc", "{:.2f}")),
]
