"""k folds: every row validates once.

One split into training and validation rows judges a network by a few rows, chosen by chance. With
k folds the rows are shuffled and dealt into k parts whose sizes differ by one at most. Each part
validates once, while all the others train: k pairs of training and validation rows.

Return the pairs as arrays of row numbers. Draw only from the generator that you are given, and
only once: the same generator gives the same folds.
"""

import numpy as np


def k_folds(
    rows: int, k: int, generator: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each of `k` folds its training rows and its validation rows, out of 0 to rows - 1."""
    # --- solution ---
    parts = np.array_split(generator.permutation(rows), k)
    return [(np.concatenate(parts[:i] + parts[i + 1 :]), parts[i]) for i in range(k)]
    # --- end ---


# --- checks ---
from typing import Any

import torch

from pilotlight.practice.exercise import Check, Exercise, Wrong, at_least


def folds(answer: Any, rows: int, k: int, seed: int = 0) -> Any:
    """Pairs of lists of whole numbers."""
    made = answer.k_folds(rows, k, np.random.default_rng(seed))
    return [tuple([int(i) for i in part] for part in pair) for pair in made]


def number(answer: Any) -> Any:
    """There are k folds, each a pair of training rows and validation rows."""
    return {"folds": len(folds(answer, 20, 5)), "in a fold": len(folds(answer, 20, 5)[0])}


def sizes(answer: Any) -> Any:
    """Of 20 rows in 5 folds each validates on 4 and trains on 16."""
    return {"training, validation": [[len(t), len(v)] for t, v in folds(answer, 20, 5)]}


def every_row_once(answer: Any) -> Any:
    """Every row validates in exactly one fold, also if the rows cannot be dealt evenly."""
    return {"rows that validate": sorted(i for _, v in folds(answer, 11, 4) for i in v)}


def uneven(answer: Any) -> Any:
    """The sizes of the parts differ by one at most."""
    return {"sizes": sorted(len(v) for _, v in folds(answer, 11, 4))}


def apart(answer: Any) -> Any:
    """No row trains and validates in the same fold."""
    shared = [sorted({*t} & {*v}) for t, v in folds(answer, 12, 3)]
    return {"rows in both": shared}


def all_used(answer: Any) -> Any:
    """In each fold all the other rows train, each once."""
    return {
        "rows": [sorted({*v, *t}) == sorted(v + t) for t, v in folds(answer, 10, 5)],
        "of a fold": [len({*v, *t}) for t, v in folds(answer, 10, 5)],
    }


def shuffled(answer: Any) -> Any:
    """Rows that lie side by side do not stay together: recordings often come in order."""
    neighbours = sum(i + 1 in v for _, v in folds(answer, 100, 5) for i in v)
    return {"rows parted from the next": 99 - neighbours}


def seeds(answer: Any) -> Any:
    """The generator decides: the same one gives the same folds, another one others."""
    first, again, other = (folds(answer, 30, 3, seed) for seed in (1, 1, 2))
    return {"same again": first == again, "another seed differs": first != other}


def as_dealt(
    rows: int, k: int, generator: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The same as cards are dealt, in plain Python."""
    order = sorted(range(rows), key=dict(enumerate(generator.random(rows))).get)  # type: ignore[arg-type]
    hands = [order[i::k] for i in range(k)]
    pairs = [([r for hand in hands if hand is not own for r in hand], own) for own in hands]
    return [(np.array(training), np.array(validation)) for training, validation in pairs]


def by_labels(
    rows: int, k: int, generator: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Right as well: each row gets the number of its fold."""
    fold = np.arange(rows) % k
    generator.shuffle(fold)
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(k)]


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any number of rows and folds."""
    k, more, seed = torch.randint(2, 9, (3,), generator=generator).tolist()
    return {"folds": folds(answer, k + more, k, seed)}


DEAL = "np.array_split(generator.permutation(rows), k)"
ORDER = "order = generator.permutation(rows)\n"
OTHERS = "np.concatenate(parts[:i] + parts[i + 1 :])"
PLACES = "range(rows // k, rows // k * k, rows // k)"
CUT = "order[i * (rows // k) : (i + 1) * (rows // k)]"

exercise = Exercise(
    area="training",
    needs=["split"],
    lab="cross-validation",
    minutes=15,
    hints=[
        "generator.permutation(rows) is 0 to rows - 1 in random order. Shuffle once, before you "
        "cut: a second shuffle would mix the folds.",
        "11 rows in 4 parts are 3, 3, 3 and 2. np.array_split cuts like that; so does taking every "
        "k-th row.",
        "Training rows of fold i: all parts but part i, put together by np.concatenate.",
    ],
    tasks={
        "The folds": [number, sizes],
        "Each row": [every_row_once, uneven, apart, all_used],
        "Chance": [
            Check(shuffled, lambda: {"rows parted from the next": at_least(50)}),
            seeds,
        ],
    },
    oracle={"k_folds": as_dealt},
    alternative={"k_folds": by_labels},
    sample=at_random,
    wrong=[
        Wrong(
            {"generator.permutation(rows)": "np.arange(rows)"},
            "The rows are not shuffled: data that lie in order, by class or by day, would be "
            "validated by one class or one day.",
        ),
        Wrong(
            {f"parts = {DEAL}": f"{ORDER}parts = [{CUT} for i in range(k)]"},
            "Some rows never validate: rows // k rounds down, and what is left over belongs to no "
            "fold.",
        ),
        Wrong(
            {f"parts = {DEAL}": f"{ORDER}parts = np.split(order, {PLACES})"},
            "All rows that are left over go into the last part: sizes may differ by one at most.",
        ),
        Wrong(
            {OTHERS: "np.concatenate(parts)"},
            "All rows train, also those that validate: the network is judged by what it has seen.",
        ),
        Wrong(
            {f"{OTHERS}, parts[i]": f"parts[i], {OTHERS}"},
            "Training and validation rows are swapped: the small part validates, the rest trains.",
        ),
        Wrong(
            {"generator.permutation": "np.random.default_rng(0).permutation"},
            "The folds do not depend on the generator: a seed inside the function gives everybody "
            "the same folds for ever.",
        ),
        Wrong(
            {"for i in range(k)": f"for i in range(k) for parts in [{DEAL}]"},
            "The rows are shuffled anew for every fold: some rows validate twice and some never. "
            "Shuffle once.",
        ),
        Wrong(
            {"range(k)": "range(k - 1)"},
            "One fold is missing: its rows never validate.",
        ),
        Wrong(
            {OTHERS: "parts[i - 1]"},
            "Only one other part trains: all the others are to.",
        ),
        Wrong(
            {"generator.permutation(rows)": "generator.integers(rows, size=rows)"},
            "The rows are drawn with replacement: some come twice, some never. That is a "
            "bootstrap; folds need a permutation.",
        ),
    ],
)
