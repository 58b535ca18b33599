"""Can a net learn from data that does not fit in memory?"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, exhibit
from pilotlight.core.settings import choice, log, whole
from pilotlight.data.table import Data
from pilotlight.engine.optim import sgd
from pilotlight.engine.steps import supervised
from pilotlight.nets.dense import mlp

WIDTH, CLUSTERS, MILLION, MB = 64, 20, 1_000_000, 1_000_000
HERE = "pilotlight.labs.foundations.larger_than_memory"


def classes(rows: int) -> Tensor:
    """Ten classes, one after another, as files in ten folders would be read."""
    return torch.arange(rows) * 10 // rows


def chunks(rows: int) -> Iterator[Tensor]:
    """The rows, some thousands at a time: each class is twenty clouds of points."""
    source = torch.Generator().manual_seed(1)
    centres = torch.randn(10, CLUSTERS, WIDTH, generator=source)
    for labels in torch.split(classes(rows), 5000):
        which = torch.randint(CLUSTERS, labels.shape, generator=source)
        yield centres[labels, which] + torch.randn(len(labels), WIDTH, generator=source)


def mapped(file: Any, rows: int, mode: Any = "r+") -> Tensor:
    """A tensor whose numbers stay in a file: [rows, 64].

    Whoever takes some of its rows makes the system read those pages of the file, and no others.
    """
    return torch.from_numpy(np.memmap(file, np.float32, mode, shape=(rows, WIDTH)))


def write(file: Any, rows: int) -> Tensor:
    """Write the rows into a file, chunk after chunk, and map it."""
    table, first = mapped(file, rows, "w+"), 0
    for chunk in chunks(rows):
        table[first : first + len(chunk)] = chunk
        first += len(chunk)
    return table


def sorted_file() -> tuple[Tensor, Tensor]:
    """20,000 rows in a temporary file, which goes when nobody reads it any more."""
    with tempfile.TemporaryFile() as file:
        return write(file, 20_000), classes(20_000)


def in_file_order(targets: Tensor, settings: Any, generator: torch.Generator) -> dict[str, Tensor]:
    """Every fifth row tests; the rest trains, in the order of the file."""
    rows = torch.arange(len(targets))
    return {"train": rows[rows % 5 != 0], "test": rows[rows % 5 == 0]}


def shuffled_windows(rows: int, held: int, generator: torch.Generator) -> Tensor:
    """0 to rows - 1, shuffled among `held` neighbours at a time."""
    windows = torch.split(torch.arange(rows), held)
    return torch.cat([w[torch.randperm(len(w), generator=generator)] for w in windows])


def reading_order(rows: int, settings: Any, generator: torch.Generator) -> Tensor:
    """In which order an epoch reads the rows of a file, for each way of `reading`."""
    if settings.reading == "file":  # as they lie
        return torch.arange(rows)
    if settings.reading == "once":  # as they would lie, had they been shuffled when written
        return torch.randperm(rows, generator=torch.Generator().manual_seed(0))
    if settings.reading == "window":  # as they lie, through a buffer that shuffles
        return shuffled_windows(rows, settings.held, generator)
    if settings.reading == "blocks":  # blocks from all over the file, through the same buffer
        blocks = torch.split(torch.arange(rows), settings.block)
        mixed = torch.cat([blocks[i] for i in torch.randperm(len(blocks), generator=generator)])
        return mixed[shuffled_windows(rows, settings.held, generator)]
    if settings.reading == "sample":  # only as many rows as the buffer holds, again and again
        kept: Tensor = torch.arange(settings.held) * rows // settings.held
        again = -(-rows // settings.held)
        draws = [torch.randperm(settings.held, generator=generator) for _ in range(again)]
        return kept[torch.cat(draws)[:rows]]
    return torch.randperm(rows, generator=generator)


def network(settings: Any) -> nn.Module:
    """`width` hidden units; with 0 a linear model."""
    return mlp(WIDTH, [settings.width] if settings.width else [], 10)


def learn(table: Tensor, labels: Tensor, rows: Tensor, batch: int) -> nn.Module:
    """One epoch of a plain loop over these rows in random order, wherever the table lies."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model, order = mlp(WIDTH, [64], 10), rows[torch.randperm(len(rows))]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    for taken in torch.split(order, batch):
        optimizer.zero_grad()
        loss: Any = cross_entropy(model(table[taken]), labels[taken])
        loss.backward()
        optimizer.step()
    return model


@exhibit(tolerance=0)
def same_as_in_memory() -> float:
    """What a network learns from a file is what it learns from memory, to the last bit."""
    table, labels = sorted_file()
    held = torch.cat(list(chunks(20_000)))
    models = [learn(rows, labels, torch.arange(20_000), 64) for rows in (table, held)]
    pairs = zip(models[0].parameters(), models[1].parameters(), strict=True)
    return max(float((a - b).detach().abs().max()) for a, b in pairs)


@exhibit(tolerance=0)
def every_row_once() -> tuple[float, dict[str, int]]:
    """In any order each row is read once, as it was written. Orders differ in speed.

    Shown: thousands of rows read a second, from the disk (where the system can be told to forget
    what it holds of a file; a disk may have a memory of its own) and from what the system holds.
    """
    rows, draw, error, shown = MILLION // 5, torch.Generator().manual_seed(1), 0.0, {}
    written = torch.cat(list(chunks(rows)))
    with tempfile.TemporaryFile() as file:
        write(file, rows)
        for reading in ("file", "window", "blocks", "whole"):
            settings = SimpleNamespace(reading=reading, held=2000, block=16)
            positions = reading_order(rows, settings, draw)
            forget(file)
            table = mapped(file, rows)
            shown[f"{reading}, disk"] = speed(table, positions[:2000])
            table.sum()  # now the system holds all of it
            error += float((table[positions] != written[positions]).sum())
            error += float((positions.sort().values != torch.arange(rows)).sum())
            shown[f"{reading}, held"] = speed(table, positions)
            del table  # the system forgets no page that somebody still has in view
    return error, shown


def speed(table: Tensor, positions: Tensor) -> int:
    """Thousands of rows read a second, 64 at a time."""
    started = time.perf_counter()
    for batch in torch.split(positions, 64):
        table[batch]
    return round(len(positions) / (time.perf_counter() - started) / 1000)


def forget(file: Any) -> None:
    """Have the system drop what it holds of a file in memory, where it can be told to."""
    os.fsync(file.fileno())
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


@exhibit(tolerance=0)
def under_a_cap() -> tuple[float, dict[str, Any]]:
    """256 MB of rows and 128 MB of memory: they cannot be loaded, and are learned from.

    In a process of its own, whose own memory is capped (on Linux; elsewhere nothing is refused).
    What it reads of the file is no memory of its own: the system holds it while there is room.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "rows")
        write(path, MILLION)
        call = f"from {HERE} import confined; confined({path!r})"
        child = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True)
    if child.returncode:
        return math.inf, {"the process ended with": child.stderr[-300:]}
    shown = json.loads(child.stdout)
    refused = shown["could be loaded"] == (sys.platform != "linux")
    return float(not refused) + float(shown["accuracy"] < 0.8), shown


def confined(path: str) -> None:
    """What the capped process does: load the file, which fails; then learn from it where it is."""
    few = next(chunks(5000))
    learn(few, classes(len(few)), torch.arange(64), 64)  # what torch itself needs is loaded now
    could, before = True, memory("RssAnon")
    cap(128 * MB)
    try:
        np.fromfile(path, np.float32)
    except MemoryError:
        could = False
    table, labels = mapped(path, MILLION), classes(MILLION)
    rows, started = torch.arange(MILLION), time.perf_counter()
    model = learn(table, labels, rows[rows % 100 != 0], 1024)
    seconds = time.perf_counter() - started
    right = model(table[::100]).argmax(1) == labels[::100]
    shown = {
        "file, MB": MILLION * WIDTH * 4 / MB,
        "could be loaded": could,
        "own memory while learning, MB": (memory("RssAnon") - before) / MB,
        "accuracy": float(right.double().mean()),
        "thousands of rows a second, learning": 0.99 * MILLION / seconds / 1000,
    }
    print(json.dumps({n: round(v, 3) if isinstance(v, float) else v for n, v in shown.items()}))


def memory(name: str) -> int:
    """What Linux says of this process, in bytes; 0 elsewhere.

    RssAnon is resident memory of its own, without pages of files; VmData what it has asked for.
    """
    path = Path("/proc/self/status")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def cap(more: int) -> None:
    """Refuse this process more than so many bytes beyond what it has, where it is Linux."""
    if sys.platform == "linux":
        import resource

        limit = memory("VmData") + more
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


SHOWN = {
    "whole": "any row at any time",
    "once": "a file shuffled once, as it lies",
    "blocks": "small blocks, mixed",
    "large_blocks": "large blocks, mixed",
    "sample": "one part, again and again",
    "window": "neighbours shuffled",
    "file": "sorted, as it lies",
}


def draw(report: Any, figure: Any) -> None:
    """Left how much memory the rows would take and how much was used; right what was learned."""
    blue, orange, grey = "#1f5fbf", "#c9540a", "#5a6472"
    left = figure.add_axes((0.07, 0.1, 0.24, 0.8), xlim=(-0.6, 2.6))
    left.set(title="Megabytes", xticks=range(3))
    left.set_xticklabels(("rows", "allowed", "used"))
    values = {
        name: v for e in report.exhibits if e.id == "under_a_cap" for name, v in e.values.items()
    }
    bars = values.get("file, MB", 0), 128, values.get("own memory while learning, MB", 0)
    for at, (size, color) in enumerate(zip(bars, (grey, orange, blue), strict=True)):
        left.bar(at, size, color=color, width=0.7)
        left.text(at, size + 3, f"{size:.0f}", ha="center")
    right = figure.add_axes((0.62, 0.1, 0.36, 0.8), xlim=(0, 1), ylim=(6.5, -0.5))
    right.set(title="Right on new rows, of 1", yticks=range(7))
    right.set_yticklabels(SHOWN.values())
    right.grid(axis="x")
    right.axvline(0.1, color=grey, lw=1, ls=":")
    for at, name in enumerate(SHOWN):
        found = [m.final.get("test_accuracy") for m in report.members if m.comparison == name]
        known = [value for value in found if value is not None]
        spots = np.linspace(at - 0.2, at + 0.2, len(known))
        right.plot(known, spots, "o", color=blue, alpha=0.6, ms=5)


lab = Lab(
    area="foundations",
    week=1,
    systems=[2],
    needs=["minibatch"],
    seconds=30,
    text="""
A network never needs all rows at once. It needs the next minibatch. So the rows may stay in a file:
a memory-mapped array looks like any other, and taking some of its rows makes the system read those
pages of the file, and no others. What comes out is the same to the last bit (first exhibit), and a
process that may hold 128 MB learns from 256 (third).

What is new is the order. Rows in a file often lie sorted, by class, by day, by animal. Whoever
reads them as they lie is left with little but the last class. Shuffling neighbours in a buffer does
not mend that, as neighbours are of one kind. Jumping to any row at any time does, but a disk hands
over what lies together, and jumps are many times slower (second exhibit). Small blocks from all
over the file, mixed in the buffer, teach as much and are not much quicker. So shuffle once, when
the file is written, and then read it as it lies: that teaches as much, and no disk can be quicker.

And why not take as many rows as fit, and forget the rest? For a simple model that is nearly enough.
For one that could learn more, it costs what the other rows would have taught.

A file that was written a moment ago is read from memory after all, as the system still holds it.
The second exhibit asks the system to forget it first. You can stop here.
""",
    data=Data("rows of ten classes, in a file sorted by class", sorted_file, classes=10),
    split=in_file_order,
    model=network,
    train=supervised(cross_entropy, parts=("test",), order=reading_order),
    optimizer=sgd,
    settings=dict(
        rate=log(1e-4, 10, 0.3),
        reading=choice("whole", "blocks", "window", "file", "once", "sample"),
        held=whole(1, 100_000, 2000),
        block=whole(1, 100_000, 16),
        width=whole(0, 1024, 64),
        batch=whole(1, 1024, 64),
        epochs=whole(1, 100, 5),
    ),
    compare=dict(
        whole={},
        once=dict(reading="once"),
        blocks=dict(reading="blocks"),
        large_blocks=dict(reading="blocks", block=500),
        window=dict(reading="window"),
        file=dict(reading="file"),
        sample=dict(reading="sample"),
        linear=dict(width=0),
        linear_sample=dict(width=0, reading="sample"),
    ),
    quick=dict(epochs=2),
    claims=dict(
        sorted=Claim(
            "Rows in random order teach far more than a sorted file read as it lies.",
            "whole",
            "file",
            at_least=0.5,
            expected=SUPPORTED,
        ),
        buffer=Claim(
            "A buffer that shuffles a tenth of the file at a time mends that, up to 5 points.",
            "window",
            "whole",
            at_least=-0.05,
            expected=REFUTED,
        ),
        blocks=Claim(
            "Blocks of 16 rows from all over the file, mixed in that buffer, do as well as any "
            "row at any time.",
            "blocks",
            "whole",
            within=0.02,
            expected=SUPPORTED,
        ),
        large_blocks=Claim(
            "Blocks of 500 rows do not.",
            "large_blocks",
            "whole",
            at_most=-0.1,
            expected=SUPPORTED,
        ),
        once=Claim(
            "A file shuffled once, when it was written, can be read as it lies, in every epoch.",
            "once",
            "whole",
            within=0.02,
            expected=SUPPORTED,
        ),
        sample=Claim(
            "As many rows as fit in memory, again and again, are enough: they cost no 2 points.",
            "sample",
            "whole",
            at_least=-0.02,
            expected=REFUTED,
            scope="2,000 rows of 16,000, as many steps",
        ),
        simple=Claim(
            "For a linear model they cost no 5 points.",
            "linear_sample",
            "linear",
            within=0.05,
            expected=SUPPORTED,
            scope="2,000 rows of 16,000, as many steps",
        ),
    ),
    exhibits=[same_as_in_memory, every_row_once, under_a_cap],
    picture=draw,
    effects=dict(
        rate=0.01,
        reading="file",
        held=dict(held=500, reading="window"),
        block=dict(block=100, reading="blocks"),
        width=8,
        batch=32,
        epochs=1,
    ),
    scope="20,000 drawn rows, 64 inputs, ten classes of twenty clouds, MLP 64-64-10, 5 epochs",
    wrong={
        "reading=file": "Accuracy ends near a guess: the last rows read were all of one class.",
        "held=100": "A buffer smaller than a class shuffles what is alike; sampled, it is too few.",
        "table[:] or table.clone()": "Makes a copy of all rows, and the memory is full. A mapped "
        "array stays in its file only as long as one takes rows from it.",
        "block=2000": "A buffer of one block: batch after batch of one class.",
    },
    read_more=[
        "Robbins, Monro 1951, A stochastic approximation method",
        "Aizman, Maltby, Breuel 2019, High performance I/O for large scale deep learning",
        "Meng et al. 2019, Convergence analysis of distributed stochastic gradient descent with "
        "shuffling",
    ],
)
