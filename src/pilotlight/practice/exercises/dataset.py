"""A dataset, and minibatches of it in random order.

A training loop does not care where its data lie. All it asks of a dataset is how many rows there
are, `len(dataset)`, and what is in row i, `dataset[i]`: an input with its target. Python turns the
first into `dataset.__len__()` and the second into `dataset.__getitem__(i)`.

Write these two for data held in two tensors. Then write `minibatches`: one epoch, which gives every
row once, in an order drawn anew from the generator, `size` rows at a time; what is left over makes
a last, shorter batch. Ask the dataset for a row only when its batch is due, by `len` and `[i]`
alone, with `i` a plain int: then data larger than memory can be trained on by the same lines.
"""

from collections.abc import Iterator

import torch
from torch import Tensor


class Pairs:
    """Inputs (rows, ...) and their targets (rows, ...), held in memory."""

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        self.inputs = inputs
        self.targets = targets

    def __len__(self) -> int:
        """The number of rows."""
        # --- solution ---
        return len(self.inputs)
        # --- end ---

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Input and target of one row."""
        # --- solution ---
        return self.inputs[index], self.targets[index]
        # --- end ---


def minibatches(
    dataset: Pairs, size: int, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch: inputs (size, ...) and targets (size, ...) of each batch, one after another."""
    # --- solution ---
    order = torch.randperm(len(dataset), generator=generator).tolist()
    for start in range(0, len(order), size):
        rows = [dataset[i] for i in order[start : start + size]]
        yield torch.stack([x for x, _ in rows]), torch.stack([t for _, t in rows])
    # --- end ---


# --- checks ---
from typing import Any

from torch.utils.data import DataLoader, TensorDataset

from pilotlight.practice.exercise import Check, Exercise, Wrong, at_most
from pilotlight.practice.inputs import normal, whole


class Numbered:
    """Row i is the number i with target 10 i. It remembers which rows it was asked for."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.asked: list[Any] = []

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        self.asked.append(index)
        return torch.tensor([float(index)]), torch.tensor(10 * int(index))


def epoch(answer: Any, rows: int, size: int, generator: torch.Generator | int = 0) -> Any:
    """The batches of one epoch over numbered rows."""
    if isinstance(generator, int):
        generator = torch.Generator().manual_seed(generator)
    return list(answer.minibatches(Numbered(rows), size, generator))


def order(batches: Any) -> list[int]:
    """The rows in the order in which they came."""
    return [int(x) for inputs, _ in batches for x in inputs]


def length(answer: Any) -> Any:
    """The length of a dataset is its number of rows."""
    return {"length": len(answer.Pairs(normal(5, 3), whole(2, 5)))}


def one_row(answer: Any) -> Any:
    """Row i is the i-th input with the i-th target."""
    dataset = answer.Pairs(normal(5, 2, 3), whole(9, 5))
    return {"row 0": dataset[0], "row 3": dataset[3]}


def sizes(answer: Any) -> Any:
    """Seven rows in threes make batches of 3, 3 and 1; a batch larger than all is one batch."""
    batches = [len(inputs) for inputs, _ in epoch(answer, 7, 3)]
    return {"of seven": batches, "of two": [len(inputs) for inputs, _ in epoch(answer, 2, 5)]}


def shapes(answer: Any) -> Any:
    """A batch is one tensor of inputs and one of targets, with the rows in the first dimension."""
    dataset = answer.Pairs(normal(6, 2, 3), whole(9, 6))
    first = next(iter(answer.minibatches(dataset, 4, torch.Generator().manual_seed(0))))
    return {name: [list(t.shape), str(t.dtype)] for name, t in zip(("x", "t"), first, strict=True)}


def every_row_once(answer: Any) -> Any:
    """In an epoch every row comes exactly once."""
    return {"rows": sorted(order(epoch(answer, 11, 4)))}


def pairs_stay(answer: Any) -> Any:
    """Every input comes with its own target."""
    pairs = [zip(x[:, 0].tolist(), t.tolist(), strict=True) for x, t in epoch(answer, 12, 5)]
    return {"inputs with another's target": [x for p in pairs for x, t in p if t != 10 * x]}


def parted(answer: Any) -> Any:
    """Rows that lie side by side seldom meet: in 20 batches of 5, at most 20 of 99 such pairs."""
    together = [set(order([batch])) for batch in epoch(answer, 100, 5)]
    return {"neighbours in one batch": sum(i + 1 in rows for rows in together for i in rows)}


def epochs_differ(answer: Any) -> Any:
    """The next epoch draws on from the same generator, and has another order."""
    generator = torch.Generator().manual_seed(3)
    orders = [tuple(order(epoch(answer, 30, 4, generator))) for _ in range(4)]
    return {"different orders in four epochs": len(set(orders))}


def seeds(answer: Any) -> Any:
    """The generator decides: the same seed gives the same order, another seed another one."""
    first, again, other = (order(epoch(answer, 30, 4, seed)) for seed in (1, 1, 2))
    return {"same again": first == again, "another seed differs": first != other}


def when_due(answer: Any) -> Any:
    """A row is asked for when its batch is due, and only once, by a plain whole number."""
    dataset = Numbered(9)
    batches = iter(answer.minibatches(dataset, 4, torch.Generator().manual_seed(0)))
    counts = [next(batches) and len(dataset.asked) for _ in range(3)]
    return {"rows asked for": counts, "asked by": sorted({type(i).__name__ for i in dataset.asked})}


def by_loader(
    dataset: Any, size: int, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """The same by torch's own loader."""
    loader = DataLoader(dataset, batch_size=size, shuffle=True, generator=generator)
    yield from loader


class Listed:
    """Right as well: the pairs are kept as a list."""

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        self.pairs = list(zip(inputs, targets, strict=True))

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.pairs[index]


def one_by_one(
    dataset: Any, size: int, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Right as well: rows are put into a basket, which is handed over when it is full."""
    waiting = torch.rand(len(dataset), generator=generator).argsort().tolist()
    basket: list[tuple[Tensor, Tensor]] = []
    while waiting:
        basket.append(dataset[waiting.pop()])
        if len(basket) == size or not waiting:
            inputs, targets = zip(*basket, strict=True)
            yield torch.stack(inputs), torch.stack(targets)
            basket = []


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any number of rows, any size of batch, two epochs."""
    rows, size = torch.randint(1, 12, (2,), generator=generator).tolist()
    inputs = torch.randn(rows, 2, generator=generator)
    dataset = answer.Pairs(inputs, torch.arange(rows))
    epochs = [list(answer.minibatches(dataset, size, generator)) for _ in range(2)]
    return {"length": len(dataset), "row": dataset[rows - 1], "epochs": epochs}


DRAW = "torch.randperm(len(dataset), generator=generator).tolist()"
STARTS = "starts = torch.arange(0, len(dataset), size)"
MIXED = "mixed = starts[torch.randperm(len(starts), generator=generator)].tolist()"
BLOCKS = "order = [i for s in mixed for i in range(s, min(s + size, len(dataset)))]"
TARGETS = "torch.stack([t for _, t in rows])"

exercise = Exercise(
    area="training",
    needs=[],
    lab="larger-than-memory",
    minutes=15,
    hints=[
        "len(tensor) is the length of its first dimension, and tensor[i] the i-th along it.",
        "torch.randperm(n, generator=generator) is 0 to n - 1 in random order; .tolist() makes "
        "plain numbers of it.",
        "range(0, n, size) are the places where the batches start. A slice may reach beyond the "
        "end of a list: order[6:9] of seven numbers is one number.",
        "dataset[i] gives a pair. torch.stack puts a list of tensors into one. `yield` hands a "
        "batch over and goes on from there when the next one is asked for.",
    ],
    tasks={
        "The dataset": [length, one_row],
        "The batches": [sizes, shapes, every_row_once, pairs_stay],
        "Chance": [
            Check(parted, lambda: {"neighbours in one batch": at_most(20)}),
            epochs_differ,
            seeds,
        ],
        "Larger than memory": [when_due],
    },
    oracle={"Pairs": TensorDataset, "minibatches": by_loader},
    alternative={"Pairs": Listed, "minibatches": one_by_one},
    sample=at_random,
    wrong=[
        Wrong(
            {"return len(self.inputs)": "return self.inputs.numel()"},
            "The length counts single numbers. A dataset's length is its number of rows.",
        ),
        Wrong(
            {"self.targets[index]": "self.targets"},
            "Each input comes with the targets of all rows: take the one of its own row.",
        ),
        Wrong(
            {DRAW: "list(range(len(dataset)))"},
            "The rows are not shuffled: data that lie in order, by class or by day, would give "
            "batches of one class or one day.",
        ),
        Wrong(
            {f"order = {DRAW}": f"{STARTS}\n{MIXED}\n{BLOCKS}"},
            "The batches come in random order, but the same rows always sit together. Shuffle the "
            "rows, then cut.",
        ),
        Wrong(
            {"range(0, len(order), size)": "range(0, len(order) - size + 1, size)"},
            "What is left over at the end is dropped: the last batch may be shorter than the "
            "others, but it is to come.",
        ),
        Wrong(
            {
                f"order = {DRAW}": f"order = {DRAW}\nother = {DRAW}",
                TARGETS: "torch.stack([dataset[i][1] for i in other[start : start + size]])",
            },
            "Inputs and targets are shuffled apart from one another: each input gets the target of "
            "another row, and nothing can be learned.",
        ),
        Wrong(
            {DRAW: "torch.randint(len(dataset), (len(dataset),), generator=generator).tolist()"},
            "The rows are drawn with replacement: some come twice in an epoch, some never. Use a "
            "permutation.",
        ),
        Wrong(
            {"generator=generator": "generator=torch.Generator().manual_seed(0)"},
            "The seed is set inside the function: every epoch has the same order, whatever "
            "generator is given.",
        ),
        Wrong(
            {", generator=generator": ""},
            "The order is drawn from torch's global generator: the same seed does not give the "
            "same order again.",
        ),
        Wrong(
            {
                f"order = {DRAW}": f"order = {DRAW}\nheld = [dataset[i] for i in order]",
                "dataset[i] for i in order[start : start + size]": "*held[start : start + size]",
            },
            "All rows are read before the first batch is handed over: data larger than memory "
            "would not fit. Read the rows of one batch at a time.",
        ),
        Wrong(
            {".tolist()": ""},
            "The dataset is asked for rows by tensors, not by plain numbers: a dataset that looks "
            "up the i-th file cannot do with them. Use .tolist().",
        ),
        Wrong(
            {TARGETS: "[t for _, t in rows]"},
            "The targets of a batch are a list of single tensors; a loss takes one tensor. Stack "
            "them like the inputs.",
        ),
    ],
)
