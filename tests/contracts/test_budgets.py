"""Sizes to hold, so that a stranger can read the whole."""

from __future__ import annotations

import ast
import statistics

from pilotlight.labs.catalogue import entries

FILE_LINES = 400
LAB_LINES = 220
MEDIAN_FUNCTION, LONG_FUNCTION = 10, 35
"""Lines, docstring and all; nine of ten functions are no longer than the second."""

LONGER_LABS = {
    "adam": "5 exhibits, 10 claims, 24 comparisons",
    "backprop": "the lab is the program it teaches: automatic differentiation, with 8 oracles",
    "cross-validation": "k models at once and three leaks: 2 exhibits, 7 claims, 11 comparisons",
    "dropout": "a network with masks in view, 4 exhibits, 8 claims, 9 comparisons, a picture",
    "early-stopping": "3 exhibits, 8 claims, 12 comparisons, a picture",
    "gan": "4 exhibits, 7 claims, 8 comparisons, a picture and a movie",
    "dqn": "the agent and 3 exhibits that run it, 8 claims, 8 comparisons",
    "depth-vs-width": "an exact count of pieces: 3 exhibits, 5 claims, a picture",
    "elastic-weights": "two methods in three scenarios: 4 exhibits, 7 claims, 11 comparisons",
    "gating": "3 tasks and 3 layers: 4 exhibits, 8 claims, 13 comparisons, a picture",
    "initialization": "4 exhibits, 10 claims, 11 comparisons",
    "larger-than-memory": "a capped process, 6 orders, 7 claims, 9 comparisons, a picture",
    "loss-and-activation": "3 losses, 5 bends: 4 exhibits, 10 claims, 13 comparisons, a picture",
    "minibatch": "2 exhibits, 11 claims, 13 comparisons",
    "mlp": "5 exhibits, 12 claims, 15 comparisons",
    "momentum": "3 exhibits, 7 claims, 8 comparisons",
    "normalization": "4 exhibits, 8 claims, 23 comparisons, a picture",
    "residual": "3 exhibits, 8 claims, 13 comparisons, a picture",
    "rmsprop": "4 exhibits, 6 claims, 14 comparisons",
    "search": "27 trials in one network: 3 exhibits, 8 claims, 9 comparisons, a picture",
    "self-supervision": "4 methods, a loss, 2 exhibits, 7 claims, 7 comparisons, picture, movie",
    "universal-approximation": "2 exhibits, 7 claims, 9 comparisons, a picture",
    "vanishing-gradients": "2 exhibits, 11 claims, 6 comparisons",
    "weight-penalty": "2 penalties, 3 exhibits, 8 claims, 14 comparisons, a picture",
    "weight-sharing": "an untied network, 4 exhibits, 7 claims, 10 comparisons, picture, movie",
}
"""Labs above LAB_LINES, each with what fills them. An entry is a debt: split the lab, or cut it."""


def test_no_file_is_too_long(trees):
    lines = {str(path): len(path.read_text("utf-8").splitlines()) for path in trees}
    assert {path: n for path, n in lines.items() if n > FILE_LINES} == {}


def test_labs_are_short_or_say_why_not():
    lines = {e.name: len(e.path.read_text("utf-8").splitlines()) for e in entries()}
    assert set(LONGER_LABS) <= set(lines)
    longer = {name: n for name, n in lines.items() if n > LAB_LINES and name not in LONGER_LABS}
    assert longer == {}


def test_functions_are_short(trees, root):
    lengths = sorted(
        node.end_lineno - node.lineno + 1
        for path, tree in trees.items()
        if path.is_relative_to(root / "src")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert statistics.median(lengths) <= MEDIAN_FUNCTION
    assert lengths[len(lengths) * 9 // 10] <= LONG_FUNCTION


def test_every_module_says_what_it_is(trees, root):
    """A notebook says it in its first cell instead."""
    notebooks = root / "docs"
    silent = [
        str(path)
        for path, tree in trees.items()
        if not ast.get_docstring(tree) and not path.is_relative_to(notebooks)
    ]
    assert silent == []
