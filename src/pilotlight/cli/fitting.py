"""`fit` and `predict`: a person's own data, from the question to predictions for new rows."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pilotlight.cli import leaving
from pilotlight.cli.codes import FINE, STOPPED
from pilotlight.cli.text import emit, table, tell, wrapped
from pilotlight.core.command import FitCommand
from pilotlight.core.errors import UsageError, raise_all
from pilotlight.present import words

if TYPE_CHECKING:  # they import torch
    from pilotlight.app.fitting import Fitting

SHOWN = (
    "kind",
    "question",
    "task",
    "rows",
    "target",
    "targets",
    "split",
    "metric",
    "score",
    "interval",
    "interval_over",
    "by_seed",
    "by_target",
    "baselines",
    "best_baseline",
    "network_is_better",
    "networks",
    "learning_curve",
    "warnings",
    "seconds",
    "members",
)
"""Keys of a fit in JSON, in order; `run` is added. The rest is in result.json."""


def fit(
    path: str | None, typed: Mapping[str, Any], *, dry_run: bool, resume: str | None, as_json: bool
) -> int:
    """Fit, or look only, or go on with a fit."""
    if resume is not None:
        beside = [f"--{n.replace('_', '-')}" for n in typed if n != "jobs"]
        beside += ["--dry-run"] if dry_run else []
        beside += [path] if path else []
        if beside:
            raise UsageError(
                f"--resume goes on with what the fit's config says. Leave out {', '.join(beside)}."
            )
        return _train(_resumed(resume, typed.get("jobs")), as_json)
    command = _command(path, typed)
    if dry_run:
        return _look(command, as_json)
    with leaving.at_once():
        from pilotlight.app.fitting import start_fit

        fitting = start_fit(command)
    return _train(fitting, as_json)


def predict(run: str, path: str, as_json: bool) -> int:
    """Predictions on stdout, what is to be known of the rows on stderr."""
    with leaving.at_once():
        from pilotlight.app.predicting import predict_file

        found = predict_file(run, path)
    tell(*found.notes)
    if as_json:
        emit([dict(zip(found.header, line, strict=True)) for line in found.lines()])
        return FINE
    sys.stdout.write(found.csv())
    return FINE


# What was typed


def _command(path: str | None, typed: Mapping[str, Any]) -> FitCommand:
    problems = []
    if path is None:
        problems.append("name a file, as in `pilotlight fit data.csv --target species`.")
    if "target" not in typed:
        problems.append("--target says which column is to be predicted, as in --target species.")
    values = dict(typed)
    values["leave_out"] = _listed(typed.get("leave_out"))
    values["types"] = _types(typed.get("types"), problems)
    raise_all(problems)
    return FitCommand(path, **values)


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(word for part in (text or "").split(",") if (word := part.strip()))


def _types(text: str | None, problems: list[str]) -> dict[str, str]:
    found = {}
    for pair in _listed(text):
        name, sign, kind = pair.partition("=")
        if not (name and sign and kind):
            problems.append(f"--types {pair}: write COLUMN=KIND, as in --types year=category.")
        found[name.strip()] = kind.strip()
    return found


# Training


def _resumed(path: str, jobs: int | None) -> Fitting:
    with leaving.at_once():
        from pilotlight.app.fitting import resume_fit

        fitting = resume_fit(path, jobs=jobs)
    if fitting.finished:
        tell(f"{fitting.name}: this fit is finished, so nothing is left to train.")
    return fitting


def _train(fitting: Fitting, as_json: bool) -> int:
    """Train with a bar; Ctrl-C keeps what there is and says how to go on."""
    from pilotlight.cli.progress import follow

    if not fitting.finished:
        tell(f"{fitting.name}: {words.seconds(fitting.seconds)}.")
    if not follow(fitting.name, fitting, fitting.folder, "fit"):
        return STOPPED
    if as_json:
        emit({key: fitting.result[key] for key in SHOWN} | {"run": str(fitting.folder)})
    else:
        from pilotlight.present.fit_words import terminal

        for line in terminal(fitting.result, str(fitting.folder)).split("\n"):
            print(line if line.startswith(" ") else wrapped(line))
    return FINE


def _look(command: FitCommand, as_json: bool) -> int:
    """What is in the data and what would be done; nothing is trained or written."""
    with leaving.at_once():
        from pilotlight.app.fit_preparing import prepare_fit
        from pilotlight.app.fit_seen import seen

        prepared = prepare_fit(command)
    found = seen(prepared)
    if as_json:
        emit(found)
        return FINE
    print(found["question"])
    print(table([(row["name"], row["kind"], row["values"]) for row in found["columns"]]))
    split = found["split"]
    cost = found["cost"]
    print(
        wrapped(
            f"{words.count(found['rows'], 'row')}, {found['task']}. Split: {split['folds']} outer "
            f"folds, {split['inner_folds']} inner ones: {split['rule']}. "
            f"{words.count(int(cost['networks']), 'network')}, "
            f"{words.seconds(cost['seconds'])} and {cost['memory_mb']:.0f} MB."
        )
    )
    for notice in found["warnings"]:
        print(wrapped(f"{notice['code']}: {notice['text']}"))
    return FINE
