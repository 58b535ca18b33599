"""What a fit of a person's own data showed, in words and as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pilotlight.present.words import count

Result = Mapping[str, Any]
MOST_NAMED = 30
FLAT = 0.01
"""A learning curve that rises by less, from half of the rows to all, has levelled off."""
GRAVE = (
    "answer-column",
    "slow-drift",
    "no-better-than-shifted",
    "looks-like-group",
    "looks-like-time",
    "not-in-order",
    "folds-split-groups",
)
"""Notices that may make the score mean nothing; they stand beside it."""
FOOLED = "slow-drift"
"""The one that shows it: under these folds no score means anything."""


def scored(value: float | None) -> str:
    """A score with three digits."""
    return "none" if value is None else f"{value:.3f}"


def between(interval: Sequence[float] | None) -> str:
    """`0.912 to 0.954`."""
    return f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else "no interval"


def signed(value: float) -> str:
    """A difference with its sign."""
    return f"{value:+.3f}"


def metric_words(result: Result) -> str:
    """What the score is: of several targets, their mean."""
    count = len(result["targets"])
    return f"mean {result['metric']} of {count} targets" if count > 1 else str(result["metric"])


def errors_words(result: Result) -> list[str]:
    """How large errors are, in the target's own units; a sentence for each target."""
    kinds = ("mean_absolute_error", "root_mean_squared_error", "error_95")
    columns = [v if isinstance(v := result[k], list) else [v] for k in kinds]
    several = len(result["targets"]) > 1
    return [
        f"{f'{name}: mean' if several else 'Mean'} absolute error {mean:.4g}, root mean squared "
        f"error {root:.4g}. Of the held-out rows, 95 % lie within {most:.4g} of the prediction."
        for name, mean, root, most in zip(result["targets"], *columns, strict=True)
    ]


def task_words(result: Result) -> str:
    """What is predicted: the task and, of classes, their names."""
    reports = class_reports(result)
    if len(reports) < 2:
        names = [", ".join(r["classes"]) for r in reports]
    else:
        names = [f"{r['name']} {', '.join(r['classes'])}" for r in reports]
    return f"{result['task']}: {'; '.join(names)}" if names else str(result["task"])


def class_reports(result: Result) -> list[Result]:
    """For each class target its `classes`, `confusion`, `balanced_accuracy` and `calibration`."""
    if result["task"] != "classification":
        return []
    return list(result["by_target"]) or [{**result, "name": result["target"]}]


def balanced_words(result: Result) -> str:
    """The balanced accuracy, of several targets each."""
    reports = class_reports(result)
    told = [
        f"{r['name']} {scored(r['balanced_accuracy'])}"
        if len(reports) > 1
        else scored(r["balanced_accuracy"])
        for r in reports
    ]
    return f"Balanced accuracy (the mean over classes): {', '.join(told)}."


def target_rows(result: Result) -> list[tuple[str, str, str, str, str]]:
    """Of several targets each: score, interval, its best baseline, the difference."""
    return [
        (
            t["name"],
            scored(t["score"]),
            between(t["interval"]),
            f"{t['best_baseline']} {scored(t['baseline'])}",
            f"{signed(t['difference'])} ({between(t['difference_interval'])})",
        )
        for t in result["by_target"]
    ]


def headline(result: Result) -> str:
    """The first line: whether the network is worth it."""
    best = next(b for b in result["baselines"] if b["name"] == result["best_baseline"])
    own = f"{metric_words(result)} {scored(result['score'])} ({between(result['interval'])})"
    gap = f"{signed(best['difference'])} ({between(best['difference_interval'])})"
    other = (
        f"the best baseline, {best['name']}, has {scored(best['score'])}; the difference is {gap}"
    )
    if any(n["code"] == FOOLED for n in result["warnings"]):
        return f"These folds cannot tell, as they measure drift (see {FOOLED}): {own}; {other}."
    if result["network_is_better"]:
        return f"The network is better: {own}; {other}."
    if result["network_is_better"] is None:
        return f"The network is not better, as far as these data can tell: {own}; {other}."
    return f"The network is not better: {own}; {other}."


def procedure_words(result: Result) -> str:
    """What the score is a score of: not of the very networks that predict."""
    saved, these = "The saved network was", "this very network"
    if result["seeds"] > 1:
        saved = f"The saved networks ({result['seeds']}, whose mean is taken) were"
        these = "these very networks"
    return (
        f"{saved} fitted on all rows after the scores were known. The score belongs to the "
        f"procedure, not to {these}."
    )


def inputs_words(config: Mapping[str, Any]) -> str:
    """What it predicts from."""
    about = config["about"]
    if about["trials"]:
        return f"trials of {about['trials'][0]} steps x {about['trials'][1]} channels"
    names = ", ".join(about["inputs"][:MOST_NAMED])
    more = about["columns"] - MOST_NAMED
    columns = count(about["columns"], "column")
    return f"{columns}: {names}{f' and {more} more' if more > 0 else ''}"


def rows(result: Result) -> list[tuple[str, str, str, str]]:
    """The network, its kinds if there are several, and the baselines: name, score, differences."""
    found = [("network", scored(result["score"]), between(result["interval"]), "")]
    kinds = result["networks"]
    if len(kinds) > 1:
        found += [(f"  {k['name']}", scored(k["score"]), between(k["interval"]), "") for k in kinds]
    for each in result["baselines"]:
        less = f"{signed(each['difference'])} ({between(each['difference_interval'])})"
        if each["difference_interval"] is None:
            less = signed(each["difference"])
        found.append((each["name"], scored(each["score"]), between(each["interval"]), less))
    return found


def estimates(result: Result) -> list[tuple[str, float, Any]]:
    """What is drawn: name, score, interval of the network, its kinds if several, the baselines.

    Majority and mean are left to the table: so far below, they would press the others together.
    """
    others = list(result["networks"]) if len(result["networks"]) > 1 else []
    others += [b for b in result["baselines"] if b["name"] not in ("majority", "mean")]
    own = ("network", result["score"], result["interval"])
    return [own, *((m["name"], m["score"], m["interval"]) for m in others)]


def shade(count: int, line: Sequence[int]) -> int:
    """How dark a cell of the confusion table is: its share of the row, up to 60 %."""
    return round(60 * count / max(1, sum(line)))


def bar(drop: float, result: Result) -> float:
    """The length of a column's bar, in percent of that of the one which matters most."""
    most = max(each["drop"] for each in result["importance"])
    return max(0.0, round(100 * drop / most, 1)) if most > 0 else 0.0


def kinds_words(result: Result) -> str:
    """The difference between two or more kinds of network; empty for one."""
    kinds = result["networks"]
    if len(kinds) < 2:
        return ""
    told = [
        f"{kinds[0]['name']} less {k['name']}: {signed(k['difference'])} "
        f"({between(k['difference_interval'])})"
        for k in kinds[1:]
    ]
    return "; ".join(told) + "."


def fold_rows(result: Result) -> list[tuple[int, list[str]]]:
    """Each fold's number, and its scores: the network's, then the baselines'."""
    columns = [result["by_fold"], *(b["by_fold"] for b in result["baselines"])]
    return [(i, [scored(v) for v in row]) for i, row in enumerate(zip(*columns, strict=True), 1)]


def reference_words(config: Mapping[str, Any]) -> str:
    """What is worth a score of 0."""
    if config["asked"]["in_time"]:
        return "the mean of the test block itself, so that a level that only drifts earns nothing"
    return "the mean of the training rows"


def seeds_words(result: Result) -> str:
    """How far the seeds alone move the score."""
    values = list(result["by_seed"].values())
    if len(values) < 2:
        return "One seed: how far chance alone moves a network is not known."
    return (
        f"The network's prediction is the mean over {len(values)} seeds. Each seed alone scores "
        f"{scored(min(values))} to {scored(max(values))}."
    )


def curve_words(result: Result) -> str:
    """Whether more rows would help, as far as a learning curve can say; empty without one."""
    curve = result["learning_curve"]
    if curve is None:
        return ""
    said = (
        f"From half of the training rows to all, the score changes by {signed(curve['gain'])} "
        f"({between(curve['gain_interval'])}). "
    )
    low, high = curve["gain_interval"] or (0.0, 1.0)
    if low > 0:
        return said + "It was still rising: more rows of this kind would likely help."
    if high < FLAT:
        return said + "It has levelled off: more rows of this kind would hardly help."
    return said + "Whether more rows would help, these data cannot tell."


def tried_words(config: Mapping[str, Any], result: Result) -> str:
    """How settings were searched."""
    plan = config["plan"]
    spread = (
        "The first is a usual choice, the others spread evenly over rate, weight decay and size."
    )
    if not plan["sampler"].startswith("halton"):
        spread = (
            "Half of them are spread evenly over rate, weight decay and size; the other half "
            f"{plan['sampler']} proposed from what the inner folds of each place said of the first."
        )
    *rounds, last = plan["rounds"]
    halved = ""
    if rounds:
        told = ", ".join(map(str, rounds))
        halved = f" After {told} epochs the worse half of those still in the race was stopped."
    seeds = "once" if result["seeds"] == 1 else f"once for each of {result['seeds']} seeds"
    return (
        f"{result['candidates']} candidates with up to {last} epochs of batches of "
        f"{plan['batch']} rows, AdamW. {spread}{halved} In each place the candidate and the epoch "
        "with the least mean validation loss were taken and refitted on all training rows, "
        f"{seeds}."
    )


def folds_words(result: Result) -> str:
    """How it was split."""
    split = result["split"]
    return (
        f"{split['folds']} outer folds ({split['rule']}), in each {split['inner_folds']} inner "
        f"folds that choose among {result['candidates']} candidates. Hash {split['hash']}."
    )


def grave(result: Result) -> list[str]:
    """Warnings that stand beside the score."""
    return [f"{n['code']}: {n['text']}" for n in result["warnings"] if n["code"] in GRAVE]


def laid_out(table: Sequence[Sequence[str]]) -> list[str]:
    """Columns of equal width, two spaces in."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  " + "  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


def terminal(result: Result, folder: str) -> str:
    """All that a person should read first."""
    lines = [headline(result), "", *grave(result)]
    lines += [""] if grave(result) else []
    table = [("", result["metric"], "95 % interval", "network less this"), *rows(result)]
    lines += laid_out(table)
    if result["by_target"]:
        head = ("target", result["metric"], "95 % interval", "best baseline", "network less this")
        lines += ["", *laid_out([head, *target_rows(result)])]
    lines += ["", result["interval_over"], seeds_words(result), folds_words(result)]
    lines += [curve_words(result)] if result["learning_curve"] else []
    lines += [kinds_words(result)] if kinds_words(result) else []
    for notice in result["warnings"]:
        if notice["code"] not in GRAVE:
            lines.append(f"{notice['code']}: {notice['text']}")
    lines += ["", f"Report: {folder}/report.html, model card: {folder}/model_card.md"]
    lines.append(f"Predict: pilotlight predict {folder} new.csv > predictions.csv")
    return "\n".join(lines)
