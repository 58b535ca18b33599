"""What does a minibatch cost in noise and buy in speed?"""

from __future__ import annotations

import math
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
COLUMNS = [0, 1, 2, 3, 6, 8, 9]  # s1, s2 and s4 are left out: nearly copies of the others


@cache
def patients() -> tuple[Tensor, Tensor]:
    """442 patients: seven measurements [R, 7]; the best plane's answer and what it leaves [R, 2].

    The sum of the two targets is the progress of diabetes after a year. All in standard deviations.
    """
    x, y = load_diabetes(return_X_y=True, scaled=False)
    x, y = x[:, COLUMNS], (y - y.mean()) / y.std()
    x = (x - x.mean(0)) / x.std(0)
    plane = x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return torch.tensor(x).float(), torch.tensor(np.stack([plane, y - plane], 1)).float()


def all_train(targets: Tensor, settings: Any, generator: torch.Generator) -> dict[str, Tensor]:
    """Every row trains: the question is how fast the best plane is found, not if it is true."""
    return {"train": torch.arange(len(targets))}


def fit(model: nn.Module, batch: Any, settings: Any, state: dict[str, Any]) -> Any:
    """Squared error on the next rows of the shuffled table, or on rows drawn anew from all."""
    x, y = (table.to(batch.inputs) for table in patients())
    drawn = (batch.noise.draw * len(x)).long()
    x = torch.where(settings.anew, x[drawn], batch.inputs)
    y = torch.where(settings.anew, y[drawn], batch.targets)
    targets = y[:, 0] + settings.scatter * y[:, 1]
    return (model(x).squeeze(1) - targets).square().mean(), {}, state


def evaluate(model: nn.Module, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """How far above the smallest possible squared error: the distance from the best plane."""
    return {"excess": (model(batch.inputs).squeeze(1) - batch.targets[:, 0]).square()}


def falling(step: int, steps: int, settings: Any) -> Any:
    """The rate falls in equal steps, by the share `fall` of it in all."""
    return 1 - settings.fall * step / steps


Curves = Mapping[str, Sequence[float]]


def when(column: str, reached: float) -> Callable[[Curves], float | None]:
    """The excess, in powers of ten, when so many epochs are read or so many steps made."""

    def at(curves: Curves) -> float | None:
        found = zip(curves[column], curves["train_excess"], strict=True)
        return next((math.log10(excess) for x, excess in found if x == reached), None)

    return at


def floor(curves: Curves) -> float:
    """The mean excess over the last third of the run, in powers of ten."""
    excess = curves["train_excess"]
    return math.log10(np.mean(excess[-(len(excess) // 3) :]))


# --- exact: a table so small that every minibatch can be listed ---


def small_table() -> tuple[Array, Array, Array]:
    """Ten rows, their targets, and a plane that does not fit them: [10, 7], [10], [7]."""
    x, y = (table[:10].double().numpy() for table in patients())
    return x, y.sum(1), np.linspace(-1, 1, 7)


def row_gradients(x: Array, y: Array, plane: Array) -> Array:
    """The gradient of each row's squared error by the plane: [R, 7]."""
    return 2 * (x @ plane - y)[:, None] * x


def mean_of_pass(gradients: Array, batch: int) -> Array:
    """The gradient of one pass over the rows, from its batches; the last may be short."""
    parts = [gradients[i : i + batch] for i in range(0, len(gradients), batch)]
    return sum(len(part) * part.mean(0) for part in parts) / len(gradients)


def variance(spread: Any, rows: int, batch: int, anew: bool) -> Any:
    """Of a minibatch's mean gradient; `spread` is the variance over single rows (Cochran 1953)."""
    return spread / batch * (1.0 if anew else (rows - batch) / (rows - 1))


@exhibit(tolerance=1e-12)
def right_on_average() -> tuple[float, dict[str, int]]:
    """The mean over all minibatches is the full gradient that torch.autograd gives."""
    x, y, plane = small_table()
    weights = torch.tensor(plane, requires_grad=True)
    (torch.tensor(x) @ weights - torch.tensor(y)).square().mean().backward()
    full, each = weights.grad.numpy(), row_gradients(x, y, plane)  # type: ignore[union-attr]
    error, counts = 0.0, {}
    for batch in range(1, 11):
        means = [each[list(rows)].mean(0) for rows in combinations(range(10), batch)]
        counts[f"minibatches of {batch}"] = len(means)
        error = max(error, abs(np.mean(means, 0) - full).max())
        error = max(error, abs(mean_of_pass(each, batch) - full).max())
    return error, counts


@exhibit(tolerance=1e-12)
def noise_of_a_minibatch() -> tuple[float, dict[str, float]]:
    """Its variance is 1/B of a row's, times (N-B)/(N-1) where no row comes twice."""
    each = row_gradients(*small_table())[:6]
    spread, error, shown = each.var(0), 0.0, dict[str, float]()
    for batch in range(1, 7):
        ways: dict[bool, Any] = {False: combinations(range(6), batch)}
        ways |= {True: product(range(6), repeat=batch)} if batch < 5 else {}
        for anew, rows in ways.items():
            listed = np.var([each[list(r)].mean(0) for r in rows], 0)
            expected = variance(spread, 6, batch, anew)
            error = max(error, abs(listed - expected).max() / spread.max())
            name = f"batch {batch} of 6, {'drawn anew' if anew else 'no row twice'}"
            shown[name] = float(listed.sum() / spread.sum())
    return error, shown


def stationary(rate: float, curvature: float, spread: float, rows: int, anew: bool) -> float:
    """The variance around the minimum of a bowl that steps of one row never get below.

    Drawn anew it is rate * spread / (curvature * (2 - rate * curvature)). At the end of shuffled
    passes the noise of a pass adds up to zero but for its order, which leaves about rate^3.
    """
    kept = 1 - rate * curvature
    weights = rate * kept ** np.arange(rows)
    of_a_pass = (weights**2).sum()
    if not anew:
        of_a_pass = (of_a_pass - weights.sum() ** 2 / rows) * rows / (rows - 1)
    return float(spread * of_a_pass / (1 - kept ** (2 * rows)))


@exhibit(tolerance=1e-12)
def noise_floor() -> tuple[float, dict[str, float]]:
    """A fixed rate leaves noise: in proportion to it drawn anew, to its cube in shuffled passes."""
    noise, curvature, error = np.array([3.0, -1.0, -2.0, 1.0, -1.0]), 0.8, 0.0
    spread, shown = noise.var(), dict[str, float]()
    for rate in (0.01, 0.02, 0.5):
        weights = rate * (1 - rate * curvature) ** np.arange(5)
        kept = (1 - rate * curvature) ** 10
        for anew in (True, False):
            orders = product(noise, repeat=5) if anew else permutations(noise)
            listed = np.var(np.array(list(orders)) @ weights)  # every pass there can be
            below = stationary(rate, curvature, spread, 5, anew)
            error = max(error, abs(listed + kept * below - below))
            if anew:
                error = max(error, abs(below - rate * spread / curvature / (2 - rate * curvature)))
            shown[f"rate {rate}, {'drawn anew' if anew else 'shuffled'}"] = below
    return error, shown


def draw(report: Any, figure: Any) -> None:
    """Left: the way down, by rows read. Right: the floor that a fixed rate never gets below."""
    way, floors = figure.subplots(1, 2, gridspec_kw={"width_ratios": [1.5, 1]})
    colors = ("#1f5fbf", "#c9540a", "#00866f", "#a83f8e", "#ab8a00")
    shown = ("whole_table", "minibatch", "one_row", "falling", "exact")
    for comparison, color in zip(shown, colors, strict=True):
        members = [m for m in report.members if m.comparison == comparison and m.curves]
        if members:
            pass


lab = Lab(
    area="foundations",
    week=1,
    systems=[2],
    needs=["backprop"],
    seconds=30,
    text="""
x
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
        rate=log(1e-4, 1, 0.05),
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
        half=dict(batch=lambda s: s.batch // 2),
        half_scaled=dict(batch=lambda s: s.batch // 2, rate=lambda s: s.rate / 2),
        one_row=dict(batch=1, epochs=lambda s: min(s.epochs, 6)),
        falling=dict(fall=1.0),
        exact=dict(scatter=0.0),
        half_rate=dict(rate=lambda s: s.rate / 2),
        quarter_rate=dict(rate=lambda s: s.rate / 4),
        anew=dict(anew=True),
        anew_half_rate=dict(anew=True, rate=lambda s: s.rate / 2),
        anew_quarter_rate=dict(anew=True, rate=lambda s: s.rate / 4),
    ),
    metrics=dict(
        after_3_epochs=Metric(unit="powers of ten", better="lower", of=when("epoch", 3)),
        after_13_steps=Metric(unit="powers of ten", better="lower", of=when("step", 13)),
        floor=Metric(unit="powers of ten", better="lower", of=floor),
    ),
    claims=dict(a=Claim("x", "falling", "minibatch", metric="floor", at_most=0)),
    scope="x"
)
