"""What the run folder's config says of a fit, and the words that would ask for it again."""

from __future__ import annotations

import datetime
import hashlib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pilotlight import __version__
from pilotlight.app.prepare import versions
from pilotlight.core.command import FitCommand
from pilotlight.fitting.question import Notice, Question, plain_classes
from pilotlight.fitting.sampler import sampler_words
from pilotlight.fitting.study import Study


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


def config_of(command: FitCommand, study: Study, notices: Sequence[Notice]) -> dict[str, Any]:
    """All that a run folder says of how a fit was asked for and laid out."""
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
            "rounds": list(study.rounds),
            "sampler": sampler_words(study.sampler),
        },
        "about": {
            "rows": len(question.y),
            "columns": len(question.features),
            "inputs": [f.name for f in question.features],
            "task": question.task,
            "target": question.target,
            "targets": list(question.targets),
            "classes": plain_classes(question.classes_of),
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


WORDS = (
    *("group", "task", "bin", "folds", "inner_folds", "seeds"),
    *("candidates", "budget", "sampler"),
)


def command_words(command: FitCommand) -> str:
    """The words that ask for the same fit."""
    usual = FitCommand("", "")
    data = command.data if isinstance(command.data, str | Path) else "DATA"
    words = ["pilotlight", "fit", str(data), "--target", command.target]
    for name in WORDS:
        value = getattr(command, name)
        if value != getattr(usual, name):
            words += [f"--{name.replace('_', '-')}", str(value)]
    if not command.halving:
        words.append("--no-halving")
    if command.in_time:
        words.append("--in-time")
    if command.types:
        words += ["--types", ",".join(f"{n}={k}" for n, k in command.types.items())]
    if command.leave_out:
        words += ["--leave-out", ",".join(command.leave_out)]
    if isinstance(command.model, str | Path):
        words += ["--model", str(command.model)]
    return shlex.join(words)
