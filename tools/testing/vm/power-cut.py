#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# power-cut.py PID FILE SEED - let a random part of what was not flushed reach the disk when the power goes.
#
# PID is the nbdkit that serves FILE, a volatile disk of run.sh, through its cache filter; it has been stopped. The filter
# keeps all writes in a file of its own, which has no name any more, and copies them to FILE at a flush. So where the
# two differ is what was not flushed, and each 512-byte sector of that is written to FILE or not, as SEED says. How
# large that part is, differs: in a third of all cuts next to nothing is lost, in another third nearly everything.
#
# Output: a line with the counts. Exit status: 0, or 1 with a message: FILE may then have part of it.
import os
import random
import sys

SECTOR = 512


def cache_file(pid):
    """The deleted file that the server has open."""
    directory = f"/proc/{pid}/fd"
    found = [f for f in os.listdir(directory) if os.readlink(f"{directory}/{f}").endswith(" (deleted)")]
    if len(found) != 1:
        sys.exit(f"power-cut.py: nbdkit has {len(found)} deleted files open instead of 1")
    return os.open(f"{directory}/{found[0]}", os.O_RDONLY)


def written(fd):
    """What of the cache file was ever written; the rest is holes, and no content."""
    end = os.fstat(fd).st_size
    at = 0
    while at < end:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            return
        at = os.lseek(fd, start, os.SEEK_HOLE)
        yield start, at


def main():
    pid, path, seed = sys.argv[1:]
    rng = random.Random(seed)
    part = rng.choice([rng.uniform(0.02, 0.98), 0.02, 0.98])
    cache = cache_file(pid)
    disk = os.open(path, os.O_RDWR)
    size = os.fstat(disk).st_size
    lost = kept = 0
    for start, end in written(cache):
        for at in range(start, min(end, size), SECTOR):
            new = os.pread(cache, SECTOR, at)
            if new == os.pread(disk, SECTOR, at):
                continue
            if rng.random() < part:
                os.pwrite(disk, new, at)
                kept += 1
            else:
                lost += 1
    print(f"{path}: of {lost + kept} sectors that were not flushed {lost} are lost")


main()
