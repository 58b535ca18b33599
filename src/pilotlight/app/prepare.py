"""From a command to a plan: the door where everything a person typed is checked."""

from __future__ import annotations

import datetime
import hashlib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotlight import __version__
from pilotlight.core.command import CONFIRMING, RunCommand
from pilotlight.core.errors import PilotlightError, RecordError, raise_all
from pilotlight.core.lab import Lab
from pilotlight.core.settings import parse_changes
from pilotlight.engine.compiled import why_not
from pilotlight.engine.device import choose
from pilotlight.engine.material import Material
from pilotlight.engine.plan import Plan, make, make_members
from pilotlight.labs.catalogue import load

QUICK_SEEDS = 3
MOST_JOBS = 256


@dataclass(frozen=True)
class Prepared:
    """A lab, its plan, its rows, and what the run folder's config will say."""

    lab: Lab
    plan: Plan
    material: Material
    config: Mapping[str, Any]


def prepare(command: RunCommand) -> Prepared:
    """Check a command and lay out its run; nothing is written yet.

    Raises:
        UsageError: all that is wrong with names, values and numbers, at once.
    """
    lab = command.lab if isinstance(command.lab, Lab) else load(str(command.lab))
    problems: list[str] = []
    changes: dict[str, Any] = dict(lab.quick) if command.quick else {}
    changes |= _checked(lab, command.changes, problems)
    seeds = _seeds(lab, command, problems)
    device = _tried(choose, command.device, problems) or "cpu"
    members = _tried(
        lambda names: make_members(lab, seeds, changes, names), command.compare, problems
    )
    problems += jobs_problems(command.jobs)
    if command.compiled and (why := why_not(device)):
        problems.append(f"compile: {why}. Leave it out; the run is the same, only slower.")
    raise_all(list(dict.fromkeys(problems)))
    plan, material = make(lab, members or (), device, compiled=command.compiled)
    return Prepared(lab, plan, material, _config(lab, command, changes, seeds, plan, material))


def _tried(function: Any, argument: Any, problems: list[str]) -> Any:
    """The result, or None with the problems noted: a person is told of all of them together."""
    try:
        return function(argument)
    except PilotlightError as error:
        problems += error.problems
        return None


def _checked(lab: Lab, changes: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    texts = {n: v if isinstance(v, str) else repr(v) for n, v in changes.items()}
    return _tried(lambda pairs: parse_changes(pairs, lab.declared), texts, problems) or {}


def _seeds(lab: Lab, command: RunCommand, problems: list[str]) -> range:
    count = command.seeds if command.seeds is not None else lab.seeds
    if command.quick and command.seeds is None:
        count = min(count, QUICK_SEEDS)
    if not 1 <= count <= 900:
        problems.append(f"seeds={count}: seeds is a whole number from 1 to 900.")
    return range(command.first_seed, command.first_seed + count)


def jobs_problems(jobs: int | None) -> list[str]:
    """What is wrong with a number of worker processes; None leaves it to the machine."""
    if jobs is None or 1 <= jobs <= MOST_JOBS:
        return []
    return [f"jobs={jobs}: jobs is a whole number from 1 to {MOST_JOBS}."]


def why_no_verdict(lab: Lab, command: RunCommand, changes: Mapping[str, Any]) -> list[str]:
    """Why a run is for exploring; empty where it is evidence. `changes` are values, not texts."""
    reasons = []
    if command.quick:
        reasons.append("a quick run")
    declared = lab.declared
    typed = {n: changes[n] for n in command.changes if changes[n] != declared[n].default}
    if typed:
        listed = ", ".join(f"{n}={v}" for n, v in typed.items())
        reasons.append(f"settings other than the lab's own ({listed})")
    if command.seeds is not None and command.seeds < lab.seeds:
        reasons.append(f"{command.seeds} seeds, where the lab needs {lab.seeds}")
    if command.compare and not set(lab.compare) <= set(command.compare):
        reasons.append(f"some comparisons only ({', '.join(command.compare)})")
    return reasons if lab.trains else []


def command_line(command: RunCommand, lab: Lab) -> str:
    """The words that ask for the same run."""
    words = ["pilotlight", "run", lab.source if _own(lab) else lab.name]
    if command.seeds is not None:
        words += ["--seeds", str(command.seeds)]
    for name, value in command.changes.items():
        words += ["--set", f"{name}={value}"]
    if command.compare:
        words += ["--compare", ",".join(command.compare)]
    if command.device != "auto":
        words += ["--device", command.device]
    if command.quick:
        words.append("--quick")
    if command.compiled:
        words.append("--compile")
    if command.first_seed != CONFIRMING:
        words[1:2] = ["verify"]
    return shlex.join(words)


def _own(lab: Lab) -> bool:
    """Whether a lab is a person's own file, not one of the package."""
    package = Path(__file__).resolve().parent.parent
    return bool(lab.source) and package not in Path(lab.source).resolve().parents


def code_hash(lab: Lab) -> str:
    """A short hash of the lab's file; empty for a lab made in a notebook."""
    if not lab.source:
        return ""
    return hashlib.sha256(Path(lab.source).read_bytes()).hexdigest()[:16]


def versions() -> dict[str, str]:
    """What the numbers may depend on."""
    import platform

    import numpy
    import scipy
    import sklearn
    import torch

    return {
        "pilotlight": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }


def _config(
    lab: Lab,
    command: RunCommand,
    changes: Mapping[str, Any],
    seeds: range,
    plan: Plan,
    material: Material,
) -> dict[str, Any]:
    reasons = why_no_verdict(lab, command, changes)
    return {
        "pilotlight": __version__,
        "lab": lab.name,
        "file": str(Path(lab.source).resolve()) if _own(lab) else "",
        "question": lab.question,
        "started": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": command_line(command, lab),
        "seeds": list(seeds) if lab.trains else [],
        "evidence": not reasons,
        "why_no_verdict": reasons,
        "plan": plan.to_json(),
        "about": dict(material.about),
        "hashes": {"lab": code_hash(lab), "data": sorted(material.tables)},
        "versions": versions(),
    }


def prepare_again(config: Mapping[str, Any], lab: Lab | None = None) -> Prepared:
    """Lay out a run as its config says, to go on with it.

    Raises:
        RecordError: the lab's code, the data, torch or Pilotlight changed; says which.
        UsageError: the lab is not to be found.
    """
    lab = lab or load(config["file"] or config["lab"])
    plan = Plan.from_json(config["plan"])
    _, material = make(lab, plan.members, plan.device, plan.dtype)
    now = {"lab": code_hash(lab), "data": sorted(material.tables)}
    changed = [
        f"the {what} changed since this run started"
        for what, key in (("lab's code", "lab"), ("data", "data"))
        if now[key] != config["hashes"][key]
    ]
    changed += [
        f"this run was started with {name} {config['versions'][name]}, here is {found}"
        for name, found in versions().items()
        if name in ("torch", "pilotlight") and config["versions"][name] != found
    ]
    if changed:
        raise RecordError(
            *[f"Cannot resume: {c}." for c in changed],
            "The numbers would not be of one run. Start a new one, or bring back what changed.",
        )
    return Prepared(lab, plan, material, config)
