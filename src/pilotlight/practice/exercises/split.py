"""Training, validation and test rows, without a leak.

A network is judged on rows that it has not seen: validation rows while you choose among networks,
test rows once, at the end. Rows are seldom alone, though. Ten recordings of one mouse, or twenty
slices of one scan, resemble each other, and a network that has trained on nine of them half knows
the tenth. Dealt out row by row, such data make every network look good.

So deal out whole groups: all rows of a mouse train, or all validate, or all test. Which group goes
where is drawn from the generator. Of n groups round(test * n) test, round(validation * n) validate,
and all others train: the shares count groups, whatever their sizes. `groups` says which group each
row belongs to, by numbers or by names, in any order.

Return three arrays of row numbers: training, validation, test.
"""

import numpy as np


def split(
    groups: np.ndarray, validation: float, test: float, generator: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """Row numbers to train, validate and test with. `groups` (rows,); both shares below 1."""
    # --- solution ---
    names = generator.permutation(np.unique(groups))
    tests = round(test * len(names))
    held_out = tests + round(validation * len(names))
    parts = names[held_out:], names[tests:held_out], names[:tests]
    return tuple(np.flatnonzero(np.isin(groups, part)) for part in parts)
    # --- end ---


# --- checks ---
from typing import Any

import torch

from pilotlight.practice.exercise import Check, Exercise, Wrong, at_least

MICE = np.repeat(np.arange(20), 3)
MIXED = np.array([7, 40, 7, 3, 40, 3, 9, 7, 11, 40, 9, 12])


def parts(
    answer: Any, groups: np.ndarray, validation: float, test: float, seed: int = 0
) -> list[list[int]]:
    """The three parts as sorted lists of whole numbers."""
    made = answer.split(groups, validation, test, np.random.default_rng(seed))
    return [sorted(int(i) for i in part) for part in made]


def sizes(answer: Any) -> Any:
    """Of 20 mice with 3 rows each, 4 validate and 2 test: 42, 12 and 6 rows."""
    made = parts(answer, MICE, 0.2, 0.1)
    return dict(zip(("training", "validation", "test"), map(len, made), strict=False))


def every_row_once(answer: Any) -> Any:
    """Every row is in exactly one part."""
    return {"rows": sorted(i for part in parts(answer, MIXED, 0.3, 0.3) for i in part)}


def groups_stay(answer: Any) -> Any:
    """No group is in two parts."""
    shared = []
    for seed in range(5):
        train, validate, test = (set(MIXED[part]) for part in parts(answer, MIXED, 0.3, 0.3, seed))
        shared += [*(train & validate), *(train & test), *(validate & test)]
    return {"groups in two parts": [int(group) for group in shared]}


def uneven(answer: Any) -> Any:
    """The shares count groups: of ten groups, one of them large, two validate and three test."""
    groups = np.array([0] * 30 + list(range(1, 10)))
    made = parts(answer, groups, 0.2, 0.3)
    return {"groups": [len(set(groups[part])) for part in made]}


def rounded(answer: Any) -> Any:
    """Of eight groups a share of 0.2 is two, and one of 0.05 is none."""
    return {"rows": [len(part) for part in parts(answer, np.arange(8), 0.2, 0.05)]}


def names(answer: Any) -> Any:
    """Groups may have names."""
    made = parts(answer, np.array(["Ada", "Bo", "Ada", "Cy", "Di", "Bo"]), 0.25, 0.25)
    return {"rows": sorted(i for part in made for i in part)}


def parted(answer: Any) -> Any:
    """Mice recorded one after another do not stay together: of 19 neighbours 5 or more part."""
    numbered = enumerate(parts(answer, MICE, 0.3, 0.3))
    where = {MICE[row]: number for number, part in numbered for row in part}
    return {"neighbours parted": sum(where[i] != where[i + 1] for i in range(19))}


def each_in_turn(answer: Any) -> Any:
    """Chance decides: in a hundred splits each of ten groups comes to test at least once."""
    groups = np.repeat(np.arange(10), 2)
    drawn = [groups[i] for seed in range(100) for i in parts(answer, groups, 0.2, 0.2, seed)[2]]
    return {"groups that came to test": len(set(drawn))}


def seeds(answer: Any) -> Any:
    """The generator decides: the same one gives the same split, another one another."""
    first, again, other = (parts(answer, MICE, 0.3, 0.3, seed) for seed in (1, 1, 2))
    return {"same again": first == again, "another seed differs": first != other}


def as_dealt(
    groups: np.ndarray, validation: float, test: float, generator: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """The same in plain Python: groups are dealt like cards, then their rows are looked up."""
    cards = sorted(set(groups.tolist()))
    cards.sort(key=dict(zip(cards, generator.random(len(cards)), strict=True)).__getitem__)
    wanted = round(test * len(cards)), round(validation * len(cards))
    tested, validated = ({cards.pop() for _ in range(count)} for count in wanted)
    rows: dict[str, list[int]] = {"train": [], "validate": [], "test": []}
    for row, group in enumerate(groups.tolist()):
        where = "test" if group in tested else "validate" if group in validated else "train"
        rows[where].append(row)
    return tuple(np.array(part, dtype=int) for part in rows.values())


def by_labels(
    groups: np.ndarray, validation: float, test: float, generator: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """Right as well: each group gets the number of its part, and each row that of its group."""
    found, group_of_row = np.unique(groups, return_inverse=True)
    counts = [round(validation * len(found)), round(test * len(found))]
    label = np.repeat([0, 1, 2], [len(found) - sum(counts), *counts])
    generator.shuffle(label)
    return tuple(np.flatnonzero(label[group_of_row] == part) for part in range(3))


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any groups and shares."""
    validation, test = (torch.rand(2, generator=generator, dtype=torch.float64) / 2).tolist()
    groups = torch.randint(9, (25,), generator=generator).numpy()
    seed = int(torch.randint(99, (1,), generator=generator))
    return {"parts": parts(answer, groups, validation, test, seed)}


NAMES = "names = generator.permutation(np.unique(groups))"
ROWS = "np.flatnonzero(np.isin(groups, part))"
PARTS = "names[held_out:], names[tests:held_out], names[:tests]"

exercise = Exercise(
    area="training",
    needs=["dataset"],
    lab="cross-validation",
    minutes=15,
    hints=[
        "np.unique(groups) names each group once. generator.permutation(...) shuffles them: cut "
        "what it returns into three, as you would cut rows.",
        "np.isin(groups, part) says of each row whether its group is in that part, and "
        "np.flatnonzero gives the numbers of the rows where it is so.",
        "Three pieces of one shuffled list have nothing in common: names[:a], names[a:b], "
        "names[b:].",
    ],
    tasks={
        "The parts": [sizes, every_row_once],
        "Groups": [groups_stay, uneven, rounded, names],
        "Chance": [
            Check(parted, lambda: {"neighbours parted": at_least(5)}),
            Check(each_in_turn, lambda: {"groups that came to test": at_least(10)}),
            seeds,
        ],
    },
    oracle={"split": as_dealt},
    alternative={"split": by_labels},
    sample=at_random,
    wrong=[
        Wrong(
            {NAMES: "names = generator.permutation(len(groups))", ROWS: "part"},
            "Rows are dealt out, not groups: rows of one group train and test, and the network is "
            "judged by what it half knows. That is the leak.",
        ),
        Wrong(
            {NAMES: "names = np.unique(groups)"},
            "The groups are not shuffled: the first ones always test. Who was recorded first may "
            "differ from the others.",
        ),
        Wrong(
            {"names[held_out:], names[tests:held_out]": "names[tests:], names[tests:held_out]"},
            "The validation groups train too: what is chosen by them is chosen by what the network "
            "has seen.",
        ),
        Wrong(
            {"names[tests:held_out]": "names[: held_out - tests]"},
            "Validation and test rows come from the same groups: the test is no longer new when "
            "it is used at the end.",
        ),
        Wrong(
            {PARTS: "names[held_out:], names[:tests], names[tests:held_out]"},
            "Validation and test part are the wrong way round: return training, validation, test.",
        ),
        Wrong(
            {"round(validation * len(names))": "round(validation * (len(names) - tests))"},
            "The validation share is taken of what the test left over. Both shares are of all "
            "groups.",
        ),
        Wrong(
            {"round(test * len": "int(test * len", "round(validation": "int(validation"},
            "The shares are cut off, not rounded: int(1.6) is 1, and by rounding errors even "
            "int(0.29 * 100) is 28.",
        ),
        Wrong(
            {ROWS: "part"},
            "These are the groups of each part; what is asked for are the numbers of their rows.",
        ),
        Wrong(
            {ROWS: "np.isin(groups, part)"},
            "These are masks, true or false for each row; what is asked for are row numbers. "
            "np.flatnonzero makes them of a mask.",
        ),
        Wrong(
            {"np.unique(groups)": "groups.max() + 1"},
            "It takes the groups to be 0, 1, 2 and so on: numbers with gaps give empty groups, and "
            "names have no maximum.",
        ),
        Wrong(
            {"generator.permutation": "np.random.default_rng(0).permutation"},
            "The split does not depend on the generator: a seed inside the function gives the same "
            "one for ever.",
        ),
        Wrong(
            {"np.unique(groups)": "groups"},
            "Each group stands in the list as often as it has rows: large groups fall into two "
            "parts at once. Name each group once.",
        ),
    ],
)
