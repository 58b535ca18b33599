"""What does a minibatch cost in noise and buy in speed?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import combinations, permutations, product
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.datasets import load_diabetes
from torch import Tensor, nn

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import log, switch, unit, whole
from pilotlight.data.table import Data
from pilotlight.engine.optim import sgd
from pilotlight.engine.steps import Phase, Training, uniform

Array = npt.NDArray[np.float64]
Curves = Mapping[str, Sequence[float]]
ANEW = {"anew_quarter_rate": -0.602, "anew_half_rate": -0.301, "anew": 0.0}  # log10 of the rate
SHUFFLED = {"quarter_rate": -0.602, "half_rate": -0.301, "minibatch": 0.0}
COLUMNS = [0, 1, 2, 3, 6, 8, 9]  # s1, s2 and s4 are left out: nearly copies of the others


@cache
def patients() -> tuple[Tensor, Tensor]:
    """442 patients: seven measurements [R, 7]; the best plane's answer and what it leaves [R, 2].

    The two targets add up to the progress of diabetes after a year. Units: standard deviations.
    """
    x, y = load_diabetes(return_X_y=True, scaled=False)
    x, y = x[:, COLUMNS], (y - y.mean()) / y.std()
    x = (x - x.mean(0)) / x.std(0)
    plane = x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return torch.tensor(x).float(), torch.tensor(np.stack([plane, y - plane], 1)).float()


def all_train(targets: Tensor, settings: Any, generator: torch.Generator) -> dict[str, Tensor]:
    """Every row trains: we ask how fast the best plane is found, not whether it holds elsewhere."""
    return {"train": torch.arange(len(targets))}


def fit(model: nn.Module, batch: Any, settings: Any, state: dict[str, Any]) -> Any:
    """Squared error on the next rows of the shuffled table, or on rows drawn anew from all."""
    x, y = (table.to(batch.inputs) for table in patients())
    drawn = (batch.noise.draw * len(x)).long()
    anew = torch.as_tensor(settings.anew)
    x = torch.where(anew, x[drawn], batch.inputs)
    y = torch.where(anew, y[drawn], batch.targets)
    targets = y[:, 0] + settings.scatter * y[:, 1]
    return (model(x).squeeze(1) - targets).square().mean(), {}, state


def evaluate(model: nn.Module, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """The squared distance from the best plane: over all rows, the error above its minimum."""
    return {"excess": (model(batch.inputs).squeeze(1) - batch.targets[:, 0]).square()}


def falling(step: int, steps: int, settings: Any) -> Any:
    """A factor on the rate that falls in equal steps, from 1 to nearly 1 - `fall`."""
    return 1 - settings.fall * step / steps


def when(column: str, reached: float) -> Callable[[Curves], float | None]:
    """The excess, in powers of ten, when so many epochs are read or so many steps are made."""
    return lambda curves: dict(
        zip(curves[column], map(float, np.log10(curves["train_excess"])), strict=True)
    ).get(reached)


def floor(curves: Curves) -> float:
    """The mean excess over the last third of the run, in powers of ten."""
    excess = curves["train_excess"]
    return float(np.log10(np.mean(excess[-len(excess) // 3 :])))


def mean_of_pass(gradients: Array, batch: int) -> Array:
    """The mean gradient of one pass over the rows, from its batches; the last may be short."""
    parts = [gradients[i : i + batch] for i in range(0, len(gradients), batch)]
    total: Array = np.array([len(part) * part.mean(0) for part in parts]).sum(0)
    return total / len(gradients)


def noise_of(batch: int, rows: int, anew: bool) -> float:
    """The variance of a minibatch's mean over that of single rows; Cochran 1977, theorem 2.2."""
    return 1 / batch if anew else (rows - batch) / (rows - 1) / batch


def stationary(rate: float, curvature: float, spread: float, rows: int, anew: bool) -> float:
    """The variance that steps of one row keep around the bottom of a bowl, after a whole pass.

    Shuffled, the noise of a pass would cancel if the early steps were not forgotten a little.
    """
    kept = 1 - rate * curvature
    weights = rate * kept ** np.arange(rows)
    of_a_pass = (weights**2).sum()
    if not anew:
        of_a_pass = (of_a_pass - weights.sum() ** 2 / rows) * rows / (rows - 1)
    return float(spread * of_a_pass / (1 - kept ** (2 * rows)))


@exhibit(tolerance=1e-12)
def every_minibatch() -> tuple[float, dict[str, float]]:
    """All minibatches of a tiny table: right on average, variance as 1/B times (N-B)/(N-1)."""
    x, y = (table[:6].double() for table in patients())
    plane = torch.linspace(-1, 1, 7, dtype=torch.float64)
    full = torch.func.grad(lambda p: (x @ p - y.sum(1)).square().mean())(plane).numpy()
    each = (2 * (x @ plane - y.sum(1))[:, None] * x).numpy()
    errors, shown = list[float](), dict[str, float]()
    for batch in range(1, 7):
        errors.append(abs(mean_of_pass(each, batch) - full).max())
        ways: dict[bool, Any] = {False: combinations(range(6), batch)}
        ways |= {True: product(range(6), repeat=batch)} if batch < 5 else {}
        for anew, listed in ways.items():
            means = np.array([each[list(rows)].mean(0) for rows in listed])
            noise = means.var(0) / each.var(0)
            errors.append(abs(means.mean(0) - full).max())
            errors.append(abs(noise - noise_of(batch, 6, anew)).max())
            name = f"{batch} of 6 rows, {'drawn anew' if anew else 'none twice'}"
            shown[name] = float(noise[0])
    return float(np.max(errors)), shown


@exhibit(tolerance=1e-12)
def noise_floor() -> tuple[float, dict[str, float]]:
    """The noise left by a fixed rate goes with the rate; in shuffled passes, with its cube."""
    noise, curvature = np.array([3.0, -1.0, -2.0, 1.0, -1.0]), 0.8
    spread, errors, shown = float(noise.var()), list[float](), dict[str, float]()
    for rate in (0.01, 0.02, 0.5):
        kept = 1 - rate * curvature
        for anew, passes in ((True, product(noise, repeat=5)), (False, permutations(noise))):
            after = np.var(np.array(list(passes)) @ (rate * kept ** np.arange(5)))
            left = stationary(rate, curvature, spread, 5, anew)
            errors.append(abs(kept**10 * left + after - left))  # one more pass changes nothing
            shown[f"rate {rate}, {'drawn anew' if anew else 'shuffled'}"] = left
            if anew:  # the textbook's formula
                errors.append(abs(left - rate * spread / (curvature * (1 + kept))))
    return float(np.max(errors)), shown


def draw(report: Any, figure: Any) -> None:
    """Left: the way down, by rows read. Right: the floor that a fixed rate does not get below."""
    runs: dict[str, list[Any]] = {}
    for member in report.members:
        if len(member.curves.get("train_excess", ())) > 3:
            runs.setdefault(member.comparison, []).append(member)
    way, floors = figure.subplots(1, 2, width_ratios=[1.7, 1], sharey=True)
    figure.subplots_adjust(left=0.08, right=0.98, bottom=0.11, top=0.9, wspace=0.08)
    for name, more, color, x, y in (
        ("one_row", "", "#a83f8e", 0.46, 0.91),
        ("minibatch", "", "#1f5fbf", 0.71, 0.67),
        ("falling", ",\nrate falls to 0", "#00866f", 0.07, 0.32),
        ("whole_table", "", "#c9540a", 0.46, 0.78),
    ):
        members = runs.get(name, [])
        for m in members:
            way.plot(m.curves["epoch"], m.curves["train_excess"], color=color, alpha=0.25, lw=0.8)
        if members:
            shortest = min((m.curves["epoch"] for m in members), key=len)  # some may diverge
            logs = [np.log(m.curves["train_excess"][: len(shortest)]) for m in members]
            way.plot(shortest, np.exp(np.mean(logs, 0)), color=color, lw=2.4)
            words = f"batch {members[0].settings['batch']}{more}"
            way.text(x, y, words, color=color, weight="bold", transform=way.transAxes)
    floors.set(xscale="log", xlabel="rate")
    for slopes, words, power, color, y in (
        (ANEW, "batches drawn anew\n(dashed: in proportion)", 1, "#3a4350", 0.66),
        (SHUFFLED, "shuffled epochs\n(dashed: its cube)", 3, "#1f5fbf", 0.14),
    ):
        found = [m for name in slopes for m in runs.get(name, ())]
        rates = np.array([m.settings["rate"] for m in found])
        left = np.array([floor(m.curves) for m in found])
        floors.plot(rates, 10**left, "o", color=color, alpha=0.3)
        floors.text(0.2, y, words, color=color, weight="bold", transform=floors.transAxes)
        if len(left):
            top = np.median(left[rates == rates.max()])
            floors.plot(rates, 10**top * (rates / rates.max()) ** power, "--", color=color, lw=1)
            floors.set_xticks(sorted({*rates}), [f"{rate:g}" for rate in sorted({*rates})])
    way.set(xscale="log", xlim=(1, None), yscale="log", ylim=(1e-6, 2))
    way.set_xticks([1, 3, 10, 30], ["1", "3", "10", "30"])
    way.set_xlabel("epochs: times that every row was read")
    way.set_title("Squared error above the best fit", weight="bold")
    floors.margins(x=0.15)
    floors.minorticks_off()
    floors.set_title("Where it stays, by rate", weight="bold")


lab = Lab(
    area="foundations",
    week=1,
    systems=[2],
    needs=["backprop"],
    seconds=30,
    text="""
Downhill is an average over all rows of a table. A minibatch asks only a few of them. Its answer is
right on average and noisy each time, and it is cheap: while descent on the whole table makes one
step, batches of 34 out of 442 rows make thirteen. Early on a noisy step brings as much as an exact
one, so thirteen bring much more.

Later the noise is all that is left. A step of fixed length wanders about the minimum and gets no
nearer, while the whole table goes on. A rate that falls gets the minibatch down as well. And where
one plane fits every row exactly there is nothing to disagree about: no noise, no floor.

The usual formula says that this floor goes with the rate. It holds if each batch is drawn anew from
the whole table. In practice rows are shuffled and read through, so the noise of one epoch nearly
cancels, and the floor goes with about the third power of the rate. You can stop here.
""",
    data=Data("diabetes", patients, source="Efron et al. 2004, as bundled with scikit-learn"),
    split=all_train,
    model=lambda s: nn.Linear(7, 1),
    train=Training(
        phases=[Phase(fit)],
        evaluate=evaluate,
        parts=("train",),
        noise=lambda s: dict(draw=uniform(s.batch)),
    ),
    optimizer=sgd,
    schedule=falling,
    settings=dict(
        rate=log(1e-4, 100, 0.05),
        batch=whole(1, 442, 34),
        anew=switch(False),
        fall=unit(0.0),
        scatter=unit(1.0),
        epochs=whole(1, 500, 60),
    ),
    compare=dict(
        minibatch={},
        whole_table=dict(batch=442, rate=0.31),
        whole_same_rate=dict(batch=442),
        whole_scaled=dict(batch=442, rate=lambda s: s.rate * 442 / s.batch),
        half_scaled=dict(batch=lambda s: max(1, s.batch // 2), rate=lambda s: s.rate / 2),
        one_row=dict(batch=1, epochs=lambda s: min(s.epochs, 6)),
        falling=dict(fall=1.0),
        exact=dict(scatter=0.0),
        half_rate=dict(rate=lambda s: s.rate / 2),
        quarter_rate=dict(rate=lambda s: s.rate / 4),
        anew=dict(anew=True),
        anew_half_rate=dict(anew=True, rate=lambda s: s.rate / 2),
        anew_quarter_rate=dict(anew=True, rate=lambda s: s.rate / 4),
    ),
    quick=dict(epochs=9),
    metrics=dict(
        after_3_epochs=Metric(unit="powers of ten", better="lower", of=when("epoch", 3)),
        after_13_steps=Metric(unit="powers of ten", better="lower", of=when("step", 13)),
        floor=Metric(unit="powers of ten", better="lower", worst=0.0, of=floor),
    ),
    claims=dict(
        faster=Claim(
            "For the same rows read, a minibatch is nearer to the best fit.",
            "minibatch",
            "whole_table",
            metric="after_3_epochs",
            at_most=-0.5,
            expected=SUPPORTED,
            scope="after 3 epochs, the whole table at the rate that is best for it",
        ),
        step_for_step=Claim(
            "Early on, a step on 34 rows brings as much as a step on all.",
            "minibatch",
            "whole_same_rate",
            metric="after_13_steps",
            within=0.15,
            expected=SUPPORTED,
            scope="13 steps at one rate",
        ),
        in_the_end=Claim(
            "At a fixed rate the minibatch stays farther away in the end.",
            "minibatch",
            "whole_table",
            "floor",
            at_least=2,
            expected=SUPPORTED,
        ),
        falling=Claim(
            "A rate that falls gets it nearer.",
            "falling",
            "minibatch",
            "floor",
            at_most=-1,
            expected=SUPPORTED,
        ),
        exact=Claim(
            "Where one plane fits every row, there is no floor.",
            "exact",
            "minibatch",
            "floor",
            at_most=-3,
            expected=SUPPORTED,
        ),
        floor_rises=Claim(
            "Batches drawn anew: the floor rises with the rate.",
            metric="floor",
            trend=ANEW,
            at_least=0.8,
            expected=SUPPORTED,
        ),
        in_proportion=Claim(
            "Batches drawn anew: it rises in proportion to the rate, no faster.",
            metric="floor",
            trend=ANEW,
            at_most=1.5,
            expected=SUPPORTED,
        ),
        shuffled_in_proportion=Claim(
            "Shuffled epochs: it rises in proportion to the rate, no faster.",
            metric="floor",
            trend=SHUFFLED,
            at_most=1.5,
            expected=REFUTED,
        ),
        scaled_alike=Claim(
            "Half the rows at half the rate: the same floor.",
            "half_scaled",
            "minibatch",
            "floor",
            within=0.2,
            expected=SUPPORTED,
        ),
        one_knob=Claim(
            "The rate is the only knob: one row a step ends as near.",
            "one_row",
            "minibatch",
            "floor",
            within=0.2,
            expected=REFUTED,
        ),
        scaled_up=Claim(
            "Batch and rate may be scaled up alike, to the whole table.",
            "whole_scaled",
            metric="floor",
            success=lambda excess: excess < -1,
            at_least=0.5,
            expected=REFUTED,
            scope="success: an excess below a tenth",
        ),
    ),
    exhibits=[every_minibatch, noise_floor],
    picture=draw,
    effects=dict(rate=0.02, batch=17, anew=True, fall=1.0, scatter=0.5, epochs=3),
    scope="diabetes, 442 rows and 7 columns, a linear model, one data set",
    wrong={
        "rate=0.4": "Longer than the steepest direction allows: the first steps run away.",
        "rate=0.001": "So little noise that sixty epochs are not enough to see a floor.",
        "batch=2": "At this rate the noise of two rows keeps the excess near a tenth.",
    },
    read_more=[
        "Robbins and Monro 1951, A stochastic approximation method",
        "Bottou, Curtis and Nocedal 2018, Optimization methods for large-scale machine learning",
        "Mishchenko, Khaled and Richtarik 2020, Random reshuffling",
        "Smith, Kindermans, Ying, Le 2018, Don't decay the learning rate, increase the batch size",
    ],
)
