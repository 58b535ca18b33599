"""A person who has typed a command sees soon that something happens."""

from __future__ import annotations

import resource
import time

from command_line import cold

FIRST_LINE = 4.0
"""Seconds until the first line of progress; most of them are the import of torch."""


def seconds_to_progress(folder) -> float:
    """Seconds that pass, or those of the processor where other programs keep the cores busy."""
    start, used = time.perf_counter(), processor_seconds()
    process = cold(folder, "run", "momentum")
    try:
        while " % of " not in process.stderr.readline():
            assert process.poll() is None, "no progress was told"
        passed = time.perf_counter() - start
    finally:
        process.kill()
        process.communicate()
    return min(passed, processor_seconds() - used)


def processor_seconds() -> float:
    """Of all processes that were started here and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_progress_is_seen_soon(tmp_path):
    times: list[float] = []
    while not times or (min(times) > FIRST_LINE and len(times) < 3):
        times.append(seconds_to_progress(tmp_path))
    assert min(times) <= FIRST_LINE, times
