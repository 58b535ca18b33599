"""Make the runs that come along, one for each lab: its page shows them before anything runs.

python docs/recorded.py             those that are missing, or whose lab has changed since
python docs/recorded.py NAME ...    those of these labs, in any case
python docs/recorded.py --from DIR  look for finished runs in DIR too, beside runs

A lab without a whole run on this disk is run.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from pilotlight.app.recording import is_in_step, usable_run, write_recorded
from pilotlight.app.running import start
from pilotlight.core.command import RunCommand
from pilotlight.core.lab import Lab
from pilotlight.labs.catalogue import entries, load

RUNS = Path("runs")


def main(arguments: Sequence[str] | None = None) -> None:
    """Record what is asked for, and say what it weighs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labs", nargs="*", metavar="NAME")
    parser.add_argument("--from", dest="roots", action="append", default=[], type=Path)
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--no-run", action="store_true", help="take what there is, run nothing")
    given = parser.parse_args(arguments)
    for name in given.labs or [entry.name for entry in entries(unreadable=[])]:
        lab = load(name)
        if not given.labs and is_in_step(lab):
            continue
        folder = usable_run(lab, [RUNS, *given.roots])
        if folder is None and given.no_run:
            print(f"{name}: no whole run of it here")
            continue
        _, size = write_recorded(folder or run(lab, given.jobs))
        print(f"{name}: {size:,} bytes")


def run(lab: Lab, jobs: int | None) -> Path:
    """Run a lab as `pilotlight run` does."""
    print(f"{lab.name}: running")
    running = start(RunCommand(lab.name, jobs=jobs))
    for _ in running:
        pass
    return running.folder


if __name__ == "__main__":
    main()
