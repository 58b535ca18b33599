"""The list of runs: what each folder under a root says about itself, newest first."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from pilotlight.core.errors import RecordError
from pilotlight.core.event import Measured
from pilotlight.record.config import CONFIG
from pilotlight.record.folder import Folder


@dataclass(frozen=True)
class RunSummary:
    """One run in a list.

    `started` is a time in ISO form; of a damaged run, when its folder last changed. `members`
    counts networks: all of a finished run, else those measured so far. `verdicts` maps claim to
    verdict and is empty until the run is finished. `bytes` is the size on disk. `problem` says
    why a damaged folder could not be read.
    """

    path: Path
    lab: str
    started: str
    state: Literal["finished", "stopped", "running", "damaged"]
    members: int
    evidence: bool
    verdicts: Mapping[str, str | None] = field(default_factory=dict)
    bytes: int = 0
    problem: str = ""


def runs(root: Path) -> list[RunSummary]:
    """All runs directly under `root`, newest first. Damaged ones are listed as such, never raised.

    Folders without a config.json are no runs and are left out. Members and verdicts come from
    `members` and `claims` of result.json, as `core.report.Report.to_json` names them.
    """
    found = [summary(config.parent) for config in root.glob(f"*/{CONFIG}")]
    return sorted(
        found, key=lambda run: datetime.fromisoformat(run.started).timestamp(), reverse=True
    )


def summary(path: Path) -> RunSummary:
    """What one run folder says about itself; a damaged one is said to be, never raised."""
    try:
        return _read(Folder.open(path))
    except RecordError as error:
        problem = str(error)
    except (AttributeError, LookupError, TypeError, ValueError, OSError) as error:
        problem = f"{path} does not hold what a run writes ({type(error).__name__}: {error})."
    return RunSummary(path, "", _changed(path), "damaged", 0, False, {}, _size(path), problem)


def _read(folder: Folder) -> RunSummary:
    config, result = folder.config, folder.result or {}
    started = datetime.fromisoformat(config.get("started") or _changed(folder.path))
    return RunSummary(
        path=folder.path,
        lab=str(config.get("lab", "")),
        started=started.isoformat(),
        state=folder.state,
        members=int(result["members"]) if "members" in result else _measured(folder),
        evidence=bool(config.get("evidence", False)),
        verdicts={claim["id"]: claim["verdict"] for claim in result.get("claims", ())},
        bytes=_size(folder.path),
    )


def _measured(folder: Folder) -> int:
    """How many networks the journal knows of."""
    return len({m for e in folder.events() if isinstance(e, Measured) for m in e.members})


def _changed(path: Path) -> str:
    with suppress(OSError):
        return datetime.fromtimestamp(path.stat().st_mtime).astimezone().isoformat("T", "seconds")
    return datetime.fromtimestamp(0).astimezone().isoformat()


def _size(path: Path) -> int:
    """Bytes of all files inside; those that vanish meanwhile count nothing."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size
    return total
