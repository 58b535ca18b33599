"""What a fit of a person's own data showed, in words and as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Result = Mapping[str, Any]
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


def headline(result: Result) -> str:
    """The first line: whether the network is worth it."""
    best = next(b for b in result["baselines"] if b["name"] == result["best_baseline"])
    metric = result["metric"]
    own = f"{metric} {scored(result['score'])} ({between(result['interval'])})"
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


def terminal(result: Result, folder: str) -> str:
    """All that a person should read first."""
    lines = [headline(result), "", *grave(result)]
    lines += [""] if grave(result) else []
    table = [("", result["metric"], "95 % interval", "network less this"), *rows(result)]
    widths = [max(len(row[i]) for row in table) for i in range(3)]
    for row in table:
        cells = "  ".join(f"{c:<{w}}" for c, w in zip(row[:3], widths, strict=True))
        lines.append(f"  {cells}  {row[3]}".rstrip())
    lines += ["", result["interval_over"], seeds_words(result), folds_words(result)]
    lines += [kinds_words(result)] if kinds_words(result) else []
    for notice in result["warnings"]:
        if notice["code"] not in GRAVE:
            lines.append(f"{notice['code']}: {notice['text']}")
    lines += ["", f"Report: {folder}/report.html"]
    lines.append(f"Predict: pilotlight predict {folder} new.csv > predictions.csv")
    return "\n".join(lines)
