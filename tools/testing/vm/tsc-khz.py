#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# tsc-khz.py - print how many thousand ticks a second the host's time stamp counter makes; used by run.sh.
#
# Emulated guests read that counter. Whether it can be a clock, the host's kernel knows: nothing is printed when it does
# not take it for one itself. Exit status: 0 always.
import ctypes
import mmap
import platform
import time

CLOCKSOURCE = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
# rdtsc; shl $32, %rdx; or %rdx, %rax; ret
CODE = bytes.fromhex("0f31 48c1e220 4809d0 c3")
SECONDS = 0.1


def reader():
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(CODE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return page, ctypes.CFUNCTYPE(ctypes.c_uint64)(address)


def sample(read):
    """Counter and clock at the same moment: the closest of some pairs, since a busy host interrupts."""
    best = None
    for _ in range(50):
        before = time.monotonic_ns()
        ticks = read()
        after = time.monotonic_ns()
        if best is None or after - before < best[0]:
            best = (after - before, ticks, (before + after) // 2)
    return best[1:]


def main():
    with open(CLOCKSOURCE, encoding="ascii") as f:
        if f.read().strip() != "tsc" or platform.machine() != "x86_64":
            return
    page, read = reader()
    ticks, clock = sample(read)
    time.sleep(SECONDS)
    ticks_later, clock_later = sample(read)
    print(round((ticks_later - ticks) * 1e6 / (clock_later - clock)))
    del page


try:
    main()
except OSError:
    pass
