"""From a fit command to a study: the door where everything a person typed is checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from pilotlight.app.fit_config import config_of
from pilotlight.app.fit_memory import memory_notice, refuse_large_text
from pilotlight.app.prepare import jobs_problems
from pilotlight.core.command import FitCommand
from pilotlight.core.errors import RecordError, UsageError, raise_all
from pilotlight.data.columns import Kind
from pilotlight.data.files import Examples, read
from pilotlight.engine.device import choose
from pilotlight.fitting.ask import ask
from pilotlight.fitting.candidates import draw
from pilotlight.fitting.cost import Cost, cost_of, for_budget
from pilotlight.fitting.folds import make_folds
from pilotlight.fitting.layout import search
from pilotlight.fitting.networks import Network, load_networks, own_networks, try_out, usual
from pilotlight.fitting.profile import look
from pilotlight.fitting.question import Asked, Notice, Task
from pilotlight.fitting.sampler import refuse_without_optuna
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
    if isinstance(command.data, str | Path):
        refuse_large_text(command.data)
    study = study_of(command)
    _try_out(study)
    question, folds = study.question, study.folds
    cost = cost_of(study)
    seen = (*question.notices, *folds.notices, *look(question, folds))
    config = config_of(command, study, seen)
    # the machine of today is no part of what a run is
    return FitPrepared(command, study, (*memory_notice(cost), *seen), cost, config)


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
        examples = read(str(command.data), types, width=command.bin)
    if command.bin is not None and not examples.counted:
        raise UsageError(f"--bin {command.bin:g}: {examples.name} holds no spike times to count.")
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
    study = Study(
        question,
        folds,
        networks,
        draw(networks, 1),
        command.seeds,
        device,
        command.halving,
        command.sampler,
    )
    return replace(study, candidates=draw(networks, _candidates(command, study)))


def _number_problems(command: FitCommand) -> list[str]:
    problems = jobs_problems(command.jobs)
    if command.candidates is not None and command.budget is not None:
        problems.append("--candidates and --budget both say how much is tried. Give one.")
    if command.budget is not None and not re.fullmatch(r"\d+(\.\d+)?[smh]", command.budget):
        problems.append(f"--budget {command.budget}: write a time such as 90s, 2m or 1h.")
    for check in (
        partial(refuse_seeds, command.seeds),
        partial(refuse_without_optuna, command.sampler),
    ):
        try:
            check()
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
    """How many candidates are drawn at first; a sampler proposes as many again."""
    if command.budget is None:
        wanted = CANDIDATES if command.candidates is None else command.candidates
        return -(-wanted // study.batches)
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
            try_out(network, member.settings, study.seen, study.question.outputs)


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
