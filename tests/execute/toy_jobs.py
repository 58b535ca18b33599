"""What the workers of these tests do; a module of its own, since workers import it."""

import os
import signal
import time


def count(upto, pause=0.0):
    for i in range(upto):
        time.sleep(pause)
        yield i


def pid():
    yield os.getpid()


def who():
    yield os.getpid()
    time.sleep(60)
    yield os.getpid()


def die(after):
    yield from range(after)
    os.kill(os.getpid(), signal.SIGKILL)


def fail():
    yield 1
    raise ValueError("no such thing")


def deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield 1
    time.sleep(60)
    yield 2


def with_worker():
    from pilotlight.execute.processes import Job, Workers

    with Workers(1) as workers:
        for message in workers.stream([Job("toy_jobs", "who", {})]):
            yield message.item


def parent():
    yield os.getppid()
    time.sleep(60)


def parents():
    from pilotlight.execute.processes import Job, Workers

    with Workers(1) as workers:
        for message in workers.stream([Job("toy_jobs", "parent", {})]):
            yield os.getppid(), message.item
