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
