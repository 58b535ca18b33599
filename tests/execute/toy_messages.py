"""Jobs for confined processes: well behaved and not."""

from __future__ import annotations

import os
import subprocess
import sys
import time


def count(upto):
    yield from range(upto)


def sleeps():
    yield "here"
    time.sleep(60)


def leaves(code):
    yield "here"
    os._exit(code)


def fails():
    yield "here"
    raise KeyError("ours")


def prints(times):
    for _ in range(times):
        print("x" * 999)
    yield os.listdir()


def leaves_a_child():
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    yield subprocess.Popen(command).pid


def forks():
    if os.fork() == 0:
        yield "from the child"
    else:
        os.wait()
        yield "from the parent"


def takes_memory(megabytes):
    try:
        yield len(bytearray(megabytes * 2**20))
    except MemoryError:
        yield "refused"


def reads():
    yield sys.stdin.read()


def floods():
    while True:
        yield "x" * 2**20


def writes_rubbish():
    for descriptor in range(3, 30):
        try:
            os.write(descriptor, b"\x00\x00\x00\x05ruin!")
        except OSError:
            continue
    yield "after"
