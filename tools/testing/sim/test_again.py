#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""test_again.py CORCACHE-SIM - the reference policies once more, from the papers, with plain lists and no thought of speed,
and whether corcache-sim agrees with them on every single access of random traces. SEED=... in the environment repeats a
run. TAP."""
import csv
import os
import random
import subprocess
import sys
import tempfile

# In every list the oldest is first.


class Clock:
    def __init__(self, slots):
        self.slots, self.ring, self.used = slots, [], set()

    def access(self, x):
        if x in self.ring:
            self.used.add(x)
            return True
        if len(self.ring) == self.slots:
            while self.ring[0] in self.used:
                spared = self.ring.pop(0)
                self.used.remove(spared)
                self.ring.append(spared)
            self.ring.pop(0)
        self.ring.append(x)
        return False


class TwoQ:
    def __init__(self, slots):
        self.slots, self.a1in, self.a1out, self.am = slots, [], [], []

    def reclaim(self):
        if len(self.a1in) + len(self.am) < self.slots:
            return
        if len(self.a1in) > max(1, self.slots // 4) or not self.am:
            self.a1out.append(self.a1in.pop(0))
            del self.a1out[:-max(1, self.slots // 2)]
        else:
            self.am.pop(0)

    def access(self, x):
        if x in self.a1in:
            return True
        if x in self.am:
            self.am.remove(x)
            self.am.append(x)
            return True
        if x in self.a1out:
            self.a1out.remove(x)
            self.reclaim()
            self.am.append(x)
        else:
            self.reclaim()
            self.a1in.append(x)
        return False


class Arc:
    def __init__(self, slots):
        self.c, self.p, self.t1, self.t2, self.b1, self.b2 = slots, 0.0, [], [], [], []

    def replace(self, x):
        if self.t1 and ((x in self.b2 and len(self.t1) == self.p) or len(self.t1) > self.p):
            self.b1.append(self.t1.pop(0))
        else:
            self.b2.append(self.t2.pop(0))

    def access(self, x):
        for t in self.t1, self.t2:
            if x in t:
                t.remove(x)
                self.t2.append(x)
                return True
        if x in self.b1:
            self.p = min(self.c, self.p + max(len(self.b2) / len(self.b1), 1))
            self.replace(x)
            self.b1.remove(x)
            self.t2.append(x)
        elif x in self.b2:
            self.p = max(0, self.p - max(len(self.b1) / len(self.b2), 1))
            self.replace(x)
            self.b2.remove(x)
            self.t2.append(x)
        else:
            whole = len(self.t1) + len(self.t2) + len(self.b1) + len(self.b2)
            if len(self.t1) + len(self.b1) == self.c:
                if len(self.t1) < self.c:
                    self.b1.pop(0)
                    self.replace(x)
                else:
                    self.t1.pop(0)
            elif whole >= self.c:
                if whole == 2 * self.c:
                    self.b2.pop(0)
                self.replace(x)
            self.t1.append(x)
        return False


class Lirs:
    def __init__(self, slots):
        self.slots, self.most_lir = slots, slots - max(1, slots // 100)
        self.s, self.q, self.lir = [], [], set()

    def top(self, x):
        if x in self.s:
            self.s.remove(x)
        self.s.append(x)

    def prune(self):
        while self.s and self.s[0] not in self.lir:
            self.s.pop(0)

    def make_lir(self, x):
        self.lir.add(x)
        self.top(x)
        if len(self.lir) > self.most_lir:
            bottom = self.s.pop(0)
            self.lir.remove(bottom)
            self.q.append(bottom)
            self.prune()

    def access(self, x):
        if x in self.lir:
            self.top(x)
            self.prune()
            return True
        if x in self.q:
            self.q.remove(x)
            if x in self.s:
                self.make_lir(x)
            else:
                self.q.append(x)
                self.top(x)
                self.prune()
            return True
        if len(self.lir) < self.most_lir:
            self.make_lir(x)
            return False
        if len(self.lir) + len(self.q) == self.slots:
            self.q.pop(0)
        if x in self.s:
            self.make_lir(x)
        else:
            self.q.append(x)
            self.top(x)
            self.prune()
        return False


class Sieve:
    def __init__(self, slots):
        self.slots, self.queue, self.used, self.hand = slots, [], set(), 0

    def access(self, x):
        if x in self.queue:
            self.used.add(x)
            return True
        if len(self.queue) == self.slots:
            self.hand %= len(self.queue)
            while self.queue[self.hand] in self.used:
                self.used.remove(self.queue[self.hand])
                self.hand = (self.hand + 1) % len(self.queue)
            del self.queue[self.hand]
            if self.hand == len(self.queue):
                self.hand = 0
        self.queue.append(x)
        return False


class S3fifo:
    def __init__(self, slots):
        self.slots, self.small_size = slots, max(1, slots // 10)
        self.small, self.main, self.ghost, self.freq = [], [], [], {}

    def evict(self):
        if len(self.small) >= self.small_size:
            while self.small:
                x = self.small.pop(0)
                if self.freq[x] <= 1:
                    self.ghost.append(x)
                    if len(self.ghost) > self.slots - self.small_size:
                        self.ghost.pop(0)
                    return
                self.freq[x] = 0
                self.main.append(x)
        while self.freq[self.main[0]]:
            self.freq[self.main[0]] -= 1
            self.main.append(self.main.pop(0))
        self.main.pop(0)

    def access(self, x):
        if x in self.small or x in self.main:
            self.freq[x] = min(3, self.freq[x] + 1)
            return True
        was_ghost = x in self.ghost
        if was_ghost:
            self.ghost.remove(x)
        if len(self.small) + len(self.main) == self.slots:
            self.evict()
        (self.main if was_ghost else self.small).append(x)
        self.freq[x] = 0
        return False


AGAIN = {"clock": Clock, "2q": TwoQ, "arc": Arc, "lirs": Lirs, "sieve": Sieve, "s3fifo": S3fifo}


def random_trace(rng, blocks, length):
    """Skewed, with runs, loops, and phases in which other blocks are hot."""
    trace, base = [], 0
    while len(trace) < length:
        kind = rng.random()
        if kind < 0.02:
            base = rng.randrange(blocks)
        if kind < 0.05:
            start, run = rng.randrange(blocks), rng.randrange(1, blocks)
            trace += [(start + i) % blocks for i in range(run)] * rng.choice((1, 1, 2, 3))
        else:
            trace.append((base + int(blocks * rng.random() ** 3)) % blocks)
    return trace[:length]


def simulated(sim, path, policy, slots):
    """For each access, whether it was a hit."""
    text = subprocess.run([sim, "--trace", path, "--format", "blocks", "--sizes", str(slots), "--policies", policy,
                           "--every", "1", "--phases", "--csv"], check=True, capture_output=True, text=True).stdout
    return [row["misses"] == "0" for row in csv.DictReader(text.splitlines()) if row["phase"] != "all"]


def main():
    sim = sys.argv[1]
    given = os.environ.get("SEED")
    seed = int(given, 0) if given else random.SystemRandom().randrange(1 << 32)
    print(f"TAP version 13\n1..{len(AGAIN)}\n# SEED={seed}")
    failed = False
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "trace")
        for n, (policy, again) in enumerate(AGAIN.items(), 1):
            rng, wrong = random.Random(seed), None
            for _ in range(16):
                slots = rng.choice((2, 3, 5, 8, 20, 40, 119, 120, 260))
                trace = random_trace(rng, slots + rng.randrange(2, 3 * slots), 2000)
                with open(path, "w", encoding="ascii") as file:
                    file.writelines(f"{x}\n" for x in trace)
                reference = again(slots)
                expected = [reference.access(x) for x in trace]
                actual = simulated(sim, path, policy, slots)
                if actual != expected:
                    at = next((i for i, pair in enumerate(zip(actual, expected)) if pair[0] != pair[1]), len(actual))
                    wrong = f"{slots} slots: access {at} of {len(actual)} should be a {'miss' if actual[at] else 'hit'}"
                    break
            if wrong:
                print(f"# {wrong}")
                failed = True
            print(f"{'not ok' if wrong else 'ok'} {n} - {policy}, written again")
    return failed


sys.exit(main())
