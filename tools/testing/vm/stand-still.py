#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# stand-still.py qemu CONSOLE DIR | uml CONSOLE DIR PID - make a guest that stands still say what it waits for; used by run.sh
# before it kills the guest.
#
# CONSOLE is the file that the guest's console goes to: there the stacks of all processors and all tasks arrive, with the
# workqueues and the timers.
#
#   qemu  DIR has the sockets "qmp" (QEMU's monitor), "console" and "questions" (the guest's serial ports). The state of
#         the processors as QEMU sees it comes first: whether one is halted, and where it is, needs no help of the guest.
#         Then the guest's own programs are asked for the state of its mapped devices; then the kernel, by a break on its
#         console and a key. When it does not answer, because the processor that has the console's interrupt does not
#         take any, it gets an NMI, at which it panics and shows the stacks (unknown_nmi_panic, panic_print).
#   uml   DIR/lab/mconsole is the socket of UML's console for management, in the mount namespace of process PID. When it
#         does not answer, UML's process gets a SIGSEGV, the one signal that it takes with interrupts off: it panics and
#         shows the stack.
#
# Output: the state of the processors and of the mapped devices. Exit status: 0 the kernel has answered, 1 not.
import json
import os
import signal
import socket
import struct
import sys
import time

# Raise the level of messages for the console; stacks of all processors; of all tasks, with workqueues; locks; timers.
KEYS = "9ltdq"
# UML has one processor, whose registers and stack are to be had.
UML_KEYS = "9pt"
# Seconds until a kernel that answers has begun to; until it has come to the end; of silence that mean the end.
BEGIN, END, SILENCE = 12, 90, 3


def size(path):
    return os.stat(path).st_size


def wait_for_growth(path, before):
    """Wait until the file has grown, and then until it grows no more. False when it has not grown."""
    deadline = time.monotonic() + BEGIN
    while size(path) <= before:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    wait_for_silence(path)
    return True


def wait_for_silence(path):
    deadline = time.monotonic() + END
    seen, since = size(path), time.monotonic()
    while time.monotonic() < deadline and time.monotonic() - since < SILENCE:
        time.sleep(0.2)
        now = size(path)
        if now != seen:
            seen, since = now, time.monotonic()


def connect(path):
    """A path beyond the length of a socket's address is reached through its directory."""
    directory = os.open(os.path.dirname(path), os.O_PATH)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(BEGIN)
    sock.connect(f"/proc/self/fd/{directory}/{os.path.basename(path)}")
    os.close(directory)
    return sock


class Monitor:
    """QEMU's monitor."""

    def __init__(self, path):
        self.file = connect(path).makefile("rw")
        self.file.readline()
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        self.file.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            line = self.file.readline()
            if not line:
                raise OSError("QEMU has ended")
            answer = json.loads(line)
            if "event" not in answer:
                return answer.get("return", answer.get("error"))

    def human(self, line):
        return str(self.command("human-monitor-command", **{"command-line": line})).replace("\r", "")


def show_processors(monitor):
    print("--- processors, as QEMU sees them:")
    count = 0
    for line in monitor.human("info registers -a").splitlines():
        if line.startswith("CPU#"):
            count += 1
            print(line)
        elif line.startswith("RIP"):
            print(line)
    for cpu in range(count):
        lines = monitor.human(f"info lapic {cpu}").splitlines()
        told = [" ".join(line.split()) for line in lines if line.split()[:1] in (["LVTT"], ["Timer"], ["ISR"], ["IRR"])]
        print(f"local APIC {cpu}: " + "; ".join(told))


def ask_programs(path):
    """What the guest's programs say, as far as one still runs: guest-init, follow_questions."""
    sock = connect(path)
    sock.sendall(b"devices\n")
    sock.settimeout(BEGIN)
    said = b""
    try:
        while not said.replace(b"\r", b"").endswith(b"\nthat is all\n"):
            piece = sock.recv(4096)
            if not piece:
                break
            said += piece
    except OSError:
        said += b"(no answer within %d s, or no more of it)\n" % BEGIN
    sock.close()
    print("--- what the guest's programs say of its mapped devices:")
    print(said.decode(errors="replace").replace("\r", "").rstrip())


def press_key(monitor, console, directory, key):
    """A break on the serial line, and the key. False when nothing is said to it."""
    before = size(console)
    serial = connect(f"{directory}/console")
    serial.setblocking(False)
    monitor.human("chardev-send-break console")
    # the break has to be noticed before the key
    time.sleep(0.5)
    serial.sendall(key.encode())
    deadline = time.monotonic() + BEGIN
    while size(console) <= before and time.monotonic() < deadline:
        try:
            serial.recv(65536)
        except BlockingIOError:
            time.sleep(0.002)
    # What is said goes to the file, and to whoever is connected, at his pace.
    serial.close()
    return size(console) > before


def press_keys(monitor, console, directory):
    for key in KEYS:
        if not press_key(monitor, console, directory, key):
            return False
        wait_for_silence(console)
    return True


def qemu(console, directory):
    monitor = Monitor(f"{directory}/qmp")
    show_processors(monitor)
    ask_programs(f"{directory}/questions")
    if press_keys(monitor, console, directory):
        return True
    print("--- the kernel does not answer on its console: it gets an NMI")
    before = size(console)
    monitor.command("inject-nmi")
    return wait_for_growth(console, before)


def children(pid):
    """Not from task/PID/children, which not every kernel has."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as f:
                    parent = int(f.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found.append(int(name))
    return sorted(found)


def uml_process(pid):
    """Below the process of unshare is uml-start.sh, and below that UML."""
    for shell in children(pid):
        for process in children(shell):
            if os.readlink(f"/proc/{process}/exe") != os.readlink(f"/proc/{shell}/exe"):
                return process
    raise OSError("no process of UML")


def mconsole(pid, console, directory, command):
    """
    Send a command to UML's console for management: False when nothing is said to it. It says all of it on its console
    too; of an answer here, what comes too fast gets lost.
    """
    before = size(console)
    path = os.open(f"/proc/{pid}/root{directory}/lab", os.O_PATH)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    # a name that is good in its mount namespace too
    sock.bind("")
    data = command.encode()
    sock.sendto(struct.pack("<III512s", 0xCAFEBABE, 2, len(data), data), f"/proc/self/fd/{path}/mconsole")
    os.close(path)
    said = wait_for_growth(console, before)
    sock.close()
    return said


def uml(console, directory, pid):
    if all(mconsole(pid, console, directory, f"sysrq {key}") for key in UML_KEYS):
        return True
    print("--- the kernel does not answer on its management console: it gets a signal")
    os.kill(uml_process(pid), signal.SIGSEGV)
    time.sleep(SILENCE)
    return True


def main():
    kind, console, directory = sys.argv[1:4]
    try:
        answered = qemu(console, directory) if kind == "qemu" else uml(console, directory, int(sys.argv[4]))
    except OSError as error:
        print(f"--- {error}")
        answered = False
    sys.exit(0 if answered else 1)


if __name__ == "__main__":
    main()
