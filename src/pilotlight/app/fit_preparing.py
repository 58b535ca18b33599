"""From a fit command to a study: the door where everything a person typed is checked."""

from __future__ import annotations

import datetime
import hashlib
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from pilotlight import __version__
from pilotlight.app.prepare import jobs_problems, versions
from pilotlight.core.command import FitCommand
from pilotlight.core.errors import RecordError, UsageError, raise_all
from pilotlight.data.columns import Kind
from pilotlight.data.files import Examples, read
from pilotlight.engine.device import choose
from pilotlight.fitting.candidates import draw
from pilotlight.fitting.cost import Cost, cost_of, for_budget
from pilotlight.fitting.folds import make_folds
from pilotlight.fitting.layout import search
from pilotlight.fitting.networks import Network, load_networks, own_networks, try_out, usual
from pilotlight.fitting.profile import look
from pilotlight.fitting.question import Asked, Notice, Question, Task, ask
from pilotlight.fitting.study import Study, refuse_seeds

CANDIDATES = 16
SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class FitPrepared:
    """A study, what was seen before training, and what the run folder's config will say."""

    command: FitCommand
    study: Study
    notices: tuple[Notice, ...]
    cost: Cost
    config: Mapping[str, Any]


def prepare_fit(command: FitCommand) -> FitPrepared:
    """Read, look, split and lay out; nothing is trained or written yet.

    Raises:
        UsageError: all that is wrong with files, names, values and numbers.
    """
    study = study_of(command)
    _try_out(study)
    question, folds = study.question, study.folds
    notices = (*question.notices, *folds.notices, *look(question, folds))
    config = _config(command, study, notices)
    return FitPrepared(command, study, notices, cost_of(study), config)


def study_of(command: FitCommand) -> Study:
    """Read, ask, split and draw candidates; the same for the same command and data.

    Raises:
        UsageError: all that is wrong with files, names, values and numbers.
    """
    raise_all(_number_problems(command))
    device = choose(command.device)
    examples = command.data
    if not isinstance(examples, Examples):
        types = cast(Mapping[str, Kind], command.types)
        examples = read(str(command.data), types)
    asked = Asked(
        command.target,
        command.group,
        command.in_time,
        cast(Task | None, command.task),
        command.leave_out,
    )
    question = ask(examples, asked)
    count, given = _folds(command.folds)
    folds = make_folds(question, count, command.inner_folds, given)
    networks = _networks(command.model, question.shape is not None)
    study = Study(question, folds, networks, draw(networks, 1), command.seeds, device)
    return replace(study, candidates=draw(networks, _candidates(command, study)))


def _number_problems(command: FitCommand) -> list[str]:
    problems = jobs_problems(command.jobs)
    if command.candidates is not None and command.budget is not None:
        problems.append("--candidates and --budget both say how much is tried. Give one.")
    if command.budget is not None and not re.fullmatch(r"\d+(\.\d+)?[smh]", command.budget):
        problems.append(f"--budget {command.budget}: write a time such as 90s, 2m or 1h.")
    try:
        refuse_seeds(command.seeds)
    except UsageError as error:
        problems += error.problems
    return problems


def _folds(folds: int | str) -> tuple[int, str | None]:
    """A number, or 5 and a file's path."""
    if isinstance(folds, int) or re.fullmatch(r"-?\d+", folds):
        return int(folds), None
    return 5, folds


def _networks(model: Any, trials: bool) -> tuple[Network, ...]:
    if model is None:
        return usual(trials)
    if isinstance(model, str | Path):
        return load_networks(model)
    return own_networks(model if isinstance(model, Mapping) else {_name(model): model})


def _name(model: Any) -> str:
    return str(getattr(model, "__name__", "own"))


def _candidates(command: FitCommand, study: Study) -> int:
    if command.candidates is not None:
        return command.candidates
    if command.budget is None:
        return CANDIDATES
    seconds = float(command.budget[:-1]) * SECONDS[command.budget[-1]]
    return for_budget(study, seconds)


def _try_out(study: Study) -> None:
    """Two rows through every kind of network, so that it fails now and not in an hour."""
    layout = search(replace(study, candidates=draw(study.networks, 1)))
    tried: set[str] = set()
    for member in layout.members:
        if member.settings.network not in tried:
            tried.add(member.settings.network)
            network = next(n for n in study.networks if n.name == member.settings.network)
            try_out(network, member.settings, layout.table(member).seen, study.question.outputs)


def data_hash(question: Question) -> str:
    """A short hash of all that is learnt from."""
    digest = hashlib.sha256(f"{question.target} {question.features}".encode())
    for array in (question.x, question.y, question.groups):
        digest.update(b"none" if array is None else array.tobytes())
    return digest.hexdigest()[:16]


def model_hash(model: Any) -> str:
    """A short hash of a file of networks; empty where there is no file."""
    if not isinstance(model, str | Path) or not Path(model).is_file():
        return ""
    return hashlib.sha256(Path(model).read_bytes()).hexdigest()[:16]


def _config(command: FitCommand, study: Study, notices: tuple[Notice, ...]) -> dict[str, Any]:
    question = study.question
    return {
        "kind": "fit",
        "pilotlight": __version__,
        "lab": f"fit {question.name}",
        "file": "",
        "question": question_words(question),
        "started": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": command_words(command),
        "evidence": True,
        "why_no_verdict": [],
        "asked": asked_of(command),
        "plan": {
            "device": study.device,
            "seeds": study.seeds,
            "batch": study.batch,
            "epochs": study.epochs,
            "networks": [n.name for n in study.networks],
            "candidates": [c.to_json() for c in study.candidates],
        },
        "about": {
            "rows": len(question.y),
            "columns": len(question.features),
            "task": question.task,
            "target": question.target,
            "classes": list(question.classes),
            "trials": list(question.shape) if question.shape else None,
            "split": {
                "rule": study.folds.rule,
                "hash": study.folds.hash,
                "folds": len(study.folds.outer),
                "inner_folds": len(study.folds.whole),
                "gap": study.folds.gap,
            },
        },
        "notices": [n.to_json() for n in notices],
        "hashes": {"data": data_hash(question), "model": model_hash(command.model)},
        "versions": versions(),
    }


def question_words(question: Question) -> str:
    """What a fit asks."""
    return f"Can a network predict {question.target} from {question.name}, and is it worth it?"


def asked_of(command: FitCommand) -> dict[str, Any]:
    """A command as plain data; what is in memory only is null."""
    kept = {n: v for n, v in vars(command).items() if n not in ("data", "model", "out", "jobs")}
    for name in ("data", "model"):
        value = getattr(command, name)
        path = isinstance(value, str | Path)
        kept[name] = _absolute(value) if path else None
    kept["in_memory"] = [
        n for n in ("data", "model") if getattr(command, n) is not None and kept[n] is None
    ]
    return kept


def _absolute(path: str | Path) -> str:
    """A file's whole path; the name of a table that comes along stays."""
    return str(Path(path).resolve()) if Path(path).exists() else str(path)


def command_words(command: FitCommand) -> str:
    """The words that ask for the same fit."""
    usual = FitCommand("", "")
    data = command.data if isinstance(command.data, str | Path) else "DATA"
    words = ["pilotlight", "fit", str(data), "--target", command.target]
    for name in ("group", "task", "folds", "inner_folds", "seeds", "candidates", "budget"):
        value = getattr(command, name)
        if value != getattr(usual, name):
            words += [f"--{name.replace('_', '-')}", str(value)]
    if command.in_time:
        words.append("--in-time")
    if command.types:
        words += ["--types", ",".join(f"{n}={k}" for n, k in command.types.items())]
    if command.leave_out:
        words += ["--leave-out", ",".join(command.leave_out)]
    if isinstance(command.model, str | Path):
        words += ["--model", str(command.model)]
    return shlex.join(words)


def prepare_fit_again(
    config: Mapping[str, Any], data: Any = None, model: Any = None, jobs: int | None = None
) -> FitPrepared:
    """Lay out a fit as its config says, to go on with it.

    Raises:
        RecordError: the data, the networks' file, torch or Pilotlight changed; says which.
    """
    asked = dict(config["asked"])
    lacking = [n for n in asked.pop("in_memory") if {"data": data, "model": model}[n] is None]
    if lacking:
        raise RecordError(
            f"Cannot resume: this fit had its {' and '.join(lacking)} in memory. Give them again: "
            "pl.fit(X, y, ..., resume_from=FOLDER)."
        )
    asked |= {"data": asked["data"] or data, "model": asked["model"] or model}
    asked["leave_out"] = tuple(asked["leave_out"])
    prepared = prepare_fit(FitCommand(**asked, jobs=jobs))
    _refuse_changes(config, prepared.config)
    return replace(prepared, config=config)


def _refuse_changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    told = {
        "the data": (then["hashes"]["data"], now["hashes"]["data"]),
        "the folds": (then["about"]["split"]["hash"], now["about"]["split"]["hash"]),
        "the file of networks": (then["hashes"]["model"], now["hashes"]["model"]),
        "what is tried": (then["plan"], now["plan"]),
        "torch": (then["versions"]["torch"], now["versions"]["torch"]),
        "Pilotlight": (then["versions"]["pilotlight"], now["versions"]["pilotlight"]),
        "scikit-learn": (then["versions"].get("scikit-learn"), now["versions"]["scikit-learn"]),
    }
    changed = [what for what, (before, after) in told.items() if before != after]
    if changed:
        raise RecordError(
            f"Cannot resume: since this fit started, {' and '.join(changed)} changed.",
            "The numbers would not be of one run. Start a new one, or bring back what changed.",
        )


def seen(prepared: FitPrepared) -> dict[str, Any]:
    """What a dry run tells: columns, classes, folds, cost and warnings, as plain data."""
    about = prepared.config["about"]
    return {
        "kind": "fit",
        "question": prepared.config["question"],
        "task": about["task"],
        "rows": about["rows"],
        "target": about["target"],
        "classes": about["classes"],
        "columns": _columns(prepared.study.question),
        "split": about["split"],
        "cost": dict(prepared.cost.to_json()),
        "warnings": [n.to_json() for n in prepared.notices],
    }


def _columns(question: Question) -> list[dict[str, str]]:
    """The target and each feature: what it is taken for, and its values in words."""
    if question.task == "classification":
        counts = np.bincount(question.y.astype(int))
        told = ", ".join(f"{c} {n}" for c, n in zip(question.classes, counts, strict=True))
    else:
        told = f"{question.y.min():g} to {question.y.max():g}, mean {question.y.mean():g}"
    rows = [{"name": question.target, "kind": "target", "values": told}]
    if question.groups is not None:
        sizes = np.bincount(question.groups)
        told = f"{len(sizes)} values, {sizes.min()} to {sizes.max()} rows each"
        rows.append({"name": question.group, "kind": "group", "values": told})
    for i, feature in enumerate(question.features):
        rows.append({"name": feature.name, "kind": feature.kind, "values": _told(question, i)})
    return rows


def _told(question: Question, column: int) -> str:
    """A feature's range or categories, and how much of it is missing."""
    feature = question.features[column]
    if question.shape is not None:
        values = question.x.reshape(-1, *question.shape)[:, :, column].ravel()
    else:
        values = question.x[:, column]
    known = values[~np.isnan(values)]
    if feature.kind == "category":
        found = [feature.categories[int(v)] for v in np.unique(known)]
        told = ", ".join(found[:6]) + (f" and {len(found) - 6} more" if len(found) > 6 else "")
    else:
        told = f"{known.min():g} to {known.max():g}"
    missing = len(values) - len(known)
    return f"{told}; missing in {missing}" if missing else told
