"""Commands: what a person asks for, the same words from a command line, a notebook, a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CHOOSING, CONFIRMING, VERIFYING = 0, 1000, 2000
"""First seeds: settings are chosen on 0-99, `run` confirms from 1000, `verify` trains from 2000."""


@dataclass(frozen=True)
class RunCommand:
    """Run one lab. `lab` is a name, the path of a lab file, or (in a notebook) a Lab.

    `changes` are settings other than the lab's own, as values or as typed texts; with any of
    them, with fewer seeds, with `quick` or with some comparisons only, the run is for exploring
    and gives no verdict.
    """

    lab: Any
    seeds: int | None = None
    first_seed: int = CONFIRMING
    changes: Mapping[str, Any] = field(default_factory=dict)
    compare: tuple[str, ...] = ()
    device: str = "auto"
    quick: bool = False
    jobs: int | None = None  # worker processes; None leaves it to the machine and the lab
    compiled: bool = False  # steps as compiled programs: a wait at the start, then quicker
    out: str | None = None
    source: str = ""  # of a lab made in a notebook


@dataclass(frozen=True)
class FitCommand:
    """Can a network predict a column of a person's own data, and is it worth it?

    `data` is a path, the name of a table that comes along, or (in a notebook) examples in memory.
    `folds` is a number of outer folds or the path of a file that lists them. `model` is the path
    of a file of networks, or (in a notebook) a mapping from names to classes.
    """

    data: Any
    target: str
    group: str | None = None
    in_time: bool = False
    task: str | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    leave_out: tuple[str, ...] = ()
    bin: float | None = None  # seconds, where spike times are counted
    folds: int | str = 5
    inner_folds: int = 3
    seeds: int = 3
    candidates: int | None = None
    budget: str | None = None  # such as 2m; instead of `candidates`
    sampler: str = "halton"  # or optuna: half of the candidates follow from the other half
    halving: bool = True  # the worse half of the candidates stops early, and again
    model: Any = None
    device: str = "auto"
    jobs: int | None = None
    out: str | None = None
