"""How many trials does tuning need, and how much does the winner flatter itself?"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import binom, qmc
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import choice, log, whole
from pilotlight.data.bundled import digits
from pilotlight.engine.optim import sgd
from pilotlight.engine.steps import Phase, Training

Array = npt.NDArray[np.float64]
PARTS = "validation", "test"
GOOD = (0.617, 0.667, 0.2)
"""A place in the cube that trains well: a rate of 0.5, first weights by Xavier's rule."""
WINNERS = {"winner_of_1": 1, "winner_of_3": 3, "winner_of_9": 9, "winner": 27}
"""The winners that are followed, and of how many trials they are the best."""
LINES = {  # comparison -> words, colour and height in the picture
    "grid": ("grid", "#c9540a", 81),
    "random": ("random", "#1f5fbf", 87.5),
    "quasi_random": ("quasi-random", "#00866f", 95.5),
    "linear": ("random, on a linear scale", "#a83f8e", 4),
}


def places(way: str, trials: int, chance: torch.Generator) -> Tensor:
    """Where in the unit cube the trials lie, one coordinate for each of three settings: [T, 3]."""
    if way == "grid":  # laid at random, so that its luck does not decide, and tried in any order
        side = round(trials ** (1 / 3))
        lines = (torch.arange(side) + torch.rand(3, 1, generator=chance)) / side
        return torch.cartesian_prod(*lines)[torch.randperm(side**3, generator=chance)]
    if way == "quasi_random":
        seed = int(torch.randint(2**31, (), generator=chance))
        return torch.tensor(qmc.Halton(3, seed=seed).random(trials)).float()
    if way == "equal":
        return torch.tensor(GOOD).expand(trials, 3)
    return torch.rand(trials, 3, generator=chance)


def values_at(cube: Tensor, way: str, decades: float) -> Tensor:
    """Rate, gain of the first weights, and weight decay of each trial: [T, 3].

    The rate lies in so many powers of ten around 0.1; "linear" spreads it evenly between the ends.
    """
    rate, gain, decay = cube.unbind(1)
    low, high = 10 ** (-1 - decades / 2), 10 ** (-1 + decades / 2)
    rate = low + (high - low) * rate if way == "linear" else low * (high / low) ** rate
    return torch.stack([rate, 10 ** (3 * gain - 2), 10 ** (5 * decay - 7)], 1)


class Trials(nn.Module):
    """A whole search: T small networks side by side, each with its own settings: -> [T, B, 10]."""

    tried: Tensor

    def __init__(self, settings: Any) -> None:
        super().__init__()
        chance = torch.Generator().manual_seed(int(torch.randint(2**31, ())))
        cube = places(settings.way, settings.trials, chance)
        self.register_buffer("tried", values_at(cube, settings.way, settings.decades))
        gain = self.tried[:, 1, None, None]
        self.first = nn.Parameter(gain * torch.randn(len(cube), 64, 16) / 8)
        self.shift = nn.Parameter(torch.zeros(len(cube), 1, 16))
        self.second = nn.Parameter(torch.randn(len(cube), 16, 10) / 4)
        self.last = nn.Parameter(torch.zeros(len(cube), 1, 10))

    def forward(self, x: Tensor) -> Tensor:
        """Scores by each network. Their tanh keeps finite what a huge rate throws about."""
        return torch.tanh(x @ self.first + self.shift) @ self.second + self.last


def fit(model: Any, batch: Any, settings: Any, state: dict[str, Any]) -> Any:
    """Plain descent of every trial at its own rate: a loss times two has steps twice as long."""
    scores, (rate, _, decay) = model(batch.inputs), model.tried.unbind(1)
    answers = batch.targets.expand(len(scores), -1)
    losses = cross_entropy(scores.flatten(0, 1), answers.flatten(), reduction="none")
    squares = model.first.square().sum((1, 2)) + model.second.square().sum((1, 2))
    return (rate * (losses.view_as(answers).mean(1) + decay / 2 * squares)).sum(), {}, state


def right(model: Any, batch: Any) -> Tensor:
    """Whether each trial's network tells each row right: [T, B]."""
    found: Tensor = model(batch.inputs).argmax(2) == batch.targets
    return found.to(batch.inputs)


def choose(model: Any, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """The trial that validates best, of the first so many and of all: [4]."""
    scores = right(model, batch).mean(1)
    return {"winners": torch.stack([scores[:count].argmax() for count in (1, 3, 9, None)])}


def evaluate(model: Any, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """Whether those winners are right: on the rows that chose them, and on others."""
    of_winners = right(model, batch).index_select(0, batch.reference.winners)
    return dict(zip(WINNERS, of_winners, strict=True))


def parts(targets: Tensor, settings: Any, generator: torch.Generator) -> dict[str, Tensor]:
    """600 rows train, up to 400 choose the winner, 500 others test it."""
    order = torch.randperm(len(targets), generator=generator)
    return {
        "train": order[:600],
        "validation": order[600 : 600 + settings.validation],
        "test": order[1000:1500],
    }


def optimism(curves: Mapping[str, Sequence[float]]) -> float:
    """How much the winner's validation accuracy is above its test accuracy."""
    return curves["validation_winner"][-1] - curves["test_winner"][-1]


def best_of(trials: int, rows: int, accuracy: float) -> float:
    """The mean of the highest of so many scores, if each trial is asked so many rows of its own."""
    below, total = 0.0, 0.0
    for right in range(rows):
        below += math.comb(rows, right) * accuracy**right * (1 - accuracy) ** (rows - right)
        total += 1 - below**trials
    return total / rows


@exhibit(tolerance=1e-12)
def luck_of_the_winner() -> tuple[float, dict[str, float]]:
    """Fifty equal models, each right on 90 percent: what the best of them shows. As scipy says."""
    errors, shown = list[float](), dict[str, float]()
    for rows in (100, 200, 360, 1000):
        ours = shown[f"{rows:,} rows to validate"] = best_of(50, rows, 0.9)
        errors.append(abs(ours - (1 - binom(rows, 0.9).cdf(np.arange(rows)) ** 50).sum() / rows))
    return float(np.max(errors)), shown


def drawn(way: str, trials: int, seed: int) -> Array:
    """Places of one search."""
    return places(way, trials, torch.Generator().manual_seed(seed)).double().numpy()


def unevenness(cube: Array) -> float:
    """How unevenly points [T, D] fill a cube: L2-star discrepancy by Warnock's formula, 1972."""
    trials, sides = cube.shape
    single = (1 - cube**2).prod(1).sum() * 2 ** (1 - sides) / trials
    pairs = (1 - np.maximum(cube[:, None], cube)).prod(2).sum() / trials**2
    return float(math.sqrt(3.0**-sides - single + pairs))


@exhibit(tolerance=1e-12)
def what_27_trials_see() -> tuple[float, dict[str, float]]:
    """27 trials of three settings: a grid sees 3 values of each, others 27. Evenness as scipy."""
    errors, shown = list[float](), dict[str, float]()
    for way in ("grid", "random", "quasi_random"):
        cubes = [drawn(way, 27, seed) for seed in range(20)]
        shown[f"{way}: values of the rate"] = len(np.unique(cubes[0][:, 0]))
        shown[f"{way}: unevenness"] = float(np.mean([unevenness(cube) for cube in cubes]))
        theirs = [qmc.discrepancy(cube, method="L2-star") for cube in cubes]
        errors += [abs(unevenness(c) - t) for c, t in zip(cubes, theirs, strict=True)]
    shown["chance that one of 60 random trials is among the best 5 percent"] = 1 - 0.95**60
    return float(np.max(errors)), shown


def left_after(cube: Array) -> Array:
    """Powers of ten of the loss that 60 steps of momentum leave in a valley 100 times as steep
    across as along, for places [T, 3]. The third setting does nothing; 3 is the most.
    """
    rate, fade = 10 ** (4 * cube[:, :1] - 4), 10 ** (-3 * cube[:, 1:2])
    curvature = np.array([1.0, 100.0])
    now = before = np.ones((len(cube), 2))
    for _ in range(60):
        now, before = now - rate * curvature * now + (1 - fade) * (now - before), now
    loss: Array = np.log10((curvature * now**2).sum(1) / 2 + 1e-30)
    return loss.clip(max=3)


def by_tpe(trials: int, seed: int) -> float:
    """The best that Optuna's tree-structured Parzen estimator finds in so many trials."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(
        lambda trial: left_after(np.array([[trial.suggest_float(n, 0, 1) for n in "abc"]]))[0],
        trials,
    )
    return float(study.best_value)


def by_torch(place: Array) -> float:
    """The same loss, by torch's own optimizer."""
    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    curvature = torch.tensor([1.0, 100.0], dtype=torch.float64)
    fade = 10 ** (-3 * place[1])
    optimizer = torch.optim.SGD([x], lr=10 ** (4 * place[0] - 4), momentum=1 - fade)
    for _ in range(60):
        x.grad = curvature * x.detach()
        optimizer.step()
    return math.log10(float((curvature * x.detach() ** 2).sum() / 2))


@exhibit(tolerance=1e-6)
def settings_that_interact() -> tuple[float, dict[str, Any]]:
    """Rate and momentum of a descent that is known exactly, by four ways of searching.

    The loss is held against torch.optim.SGD. Shown is its mean of 100 searches, of TPE of 12.
    """
    errors, shown = list[float](), dict[str, Any]()
    for trials in (27, 64):
        losses = dict[str, list[float]]()
        for way in ("grid", "random", "quasi_random"):
            for seed in range(100):
                cube = drawn(way, trials, seed)
                after = left_after(cube)
                losses.setdefault(way, []).append(after.min())
                errors += [abs(after.min() - by_torch(cube[after.argmin()]))] if seed < 5 else []
            shown[f"{trials} trials, {way}: powers of ten"] = float(np.mean(losses[way]))
        if importlib.util.find_spec("optuna") is None:
            shown["TPE"] = "left out, as it needs Optuna: pip install 'pilotlight[search]'"
            continue
        guided = np.array([by_tpe(trials, seed) for seed in range(12)])
        shown[f"{trials} trials, TPE: powers of ten"] = float(guided.mean())
        beaten = (guided[:, None] < losses["random"]).mean()
        shown[f"{trials} trials: chance that TPE beats random"] = float(beaten)
    return float(np.max(errors)), shown


def draw(report: Any, figure: Any) -> None:
    """Left: the winner's test accuracy by number of trials. Right: what winners promise."""
    ends: dict[str, list[list[list[float]]]] = {}
    for member in report.members:
        if all(member.final.get(f"test_{name}") is not None for name in WINNERS):
            both = [[100 * member.final[f"{p}_{n}"] for n in WINNERS] for p in PARTS]
            ends.setdefault(member.comparison, []).append(both)
    left, right = figure.subplots(1, 2, width_ratios=[1.2, 1])
    figure.subplots_adjust(left=0.07, right=0.97, bottom=0.12, top=0.9, wspace=0.2)
    counts = list(WINNERS.values())
    for name, (words, color, height) in LINES.items():
        if name in ends:
            left.plot(counts, np.mean(ends[name], 0)[1], "o-", color=color, lw=2.4)
            left.text(27, height, words, color=color, weight="bold", ha="right", va="center")
    left.set_ylim(0, 100)
    left.set_title("The winner's test accuracy (%)", weight="bold")
    if "equal" in ends:
        promised, came = np.mean(ends["equal"], 0)
        table = [100 * best_of(count, 100, came[0] / 100) for count in counts]
        for values, words, color, height in (
            (table, "if each had its own rows", "#5a6472", 0.94),
            (promised, "promised: validation", "#c9540a", 0.87),
            (came, "came: test", "#1f5fbf", 0.8),
        ):
            right.plot(counts, values, ":" if values is table else "o-", color=color, lw=2.4)
            right.text(0.04, height, words, color=color, weight="bold", transform=right.transAxes)
    right.set_title("Equal networks: the winner (%)", weight="bold")
    for axes in (left, right):
        axes.set(xscale="log", xlabel="trials")
        axes.set_xticks(counts, [str(count) for count in counts])
        axes.minorticks_off()


lab = Lab(
    area="foundations",
    week=1,
    systems=[6],
    needs=["cross-validation"],
    seconds=45,
    text="""
A learning rate, the size of the first weights, weight decay: somebody must choose them. One tries
values, and keeps the trial that does best on validation rows. Here a trial is a small network that
learns digits for four epochs, and the rate may lie anywhere in six powers of ten.

A grid of 27 trials has only three values of each setting. If one setting matters most, 27 trials
answer one question nine times over; random trials ask it 27 times. Points that fill the space more
evenly than chance are called quasi-random. A search can also learn from its own results: Optuna's
TPE does, and the last exhibit shows from how many trials on that pays.

The winner was chosen because it did well on these very rows, so its score flatters it. We let 27
networks with equal settings compete. Nothing is there to be found, and still there is a winner, and
it promises more than comes. That is why there are test rows. You can stop here.
""",
    data=digits,
    split=parts,
    model=Trials,
    train=Training(
        [Phase(fit)], evaluate, parts=PARTS, reference=choose, reference_part="validation"
    ),
    optimizer=sgd,
    seeds=60,
    settings=dict(
        rate=log(1e-3, 10, 1.0),  # times that of each trial
        trials=whole(1, 125, 27),
        way=choice("random", "grid", "quasi_random", "linear", "equal"),
        decades=whole(1, 8, 6),
        validation=whole(10, 400, 100),
        batch=whole(1, 600, 30),
        epochs=whole(1, 100, 4),
    ),
    compare=dict(
        random={},
        grid=dict(way="grid"),
        quasi_random=dict(way="quasi_random"),
        linear=dict(way="linear"),
        five=dict(trials=5),
        narrow=dict(decades=2),
        narrow_grid=dict(way="grid", decades=2),
        equal=dict(way="equal"),
        more_rows=dict(validation=400),
    ),
    quick=dict(epochs=1),
    metrics=dict(
        test_winner=Metric(unit="accuracy"),
        optimism=Metric(unit="accuracy", better="lower", of=optimism),
    ),
    claims=dict(
        grid=Claim(
            "With rates from 0.0001 to 100, 27 random trials find better settings than a grid.",
            "random",
            "grid",
            "test_winner",
            at_least=0.01,
            expected=SUPPORTED,
        ),
        narrow=Claim(
            "With rates from 0.01 to 1, a grid does as well.",
            "narrow",
            "narrow_grid",
            "test_winner",
            within=0.02,
            expected=SUPPORTED,
        ),
        quasi_random=Claim(
            "Quasi-random trials do as well as random ones.",
            "quasi_random",
            "random",
            "test_winner",
            within=0.02,
            expected=SUPPORTED,
        ),
        linear=Claim(
            "Rates drawn on a linear scale lose a fifth of the digits.",
            "linear",
            "random",
            "test_winner",
            at_most=-0.2,
            expected=SUPPORTED,
        ),
        five=Claim(
            "Five random trials are too few.",
            "five",
            "random",
            "test_winner",
            at_most=-0.05,
            expected=SUPPORTED,
        ),
        flattered=Claim(
            "Of 27 equal networks the winner promises more than comes.",
            "equal",
            metric="optimism",
            at_least=0.01,
            expected=SUPPORTED,
        ),
        independent=Claim(
            "As much more as if each had been asked rows of its own: about five points.",
            "equal",
            metric="optimism",
            at_least=0.045,
            expected=REFUTED,
        ),
        more_rows=Claim(
            "With 400 rows to validate, what a random search's winner promises is nearly right.",
            "more_rows",
            metric="optimism",
            within=0.02,
            expected=SUPPORTED,
        ),
    ),
    exhibits=[luck_of_the_winner, what_27_trials_see, settings_that_interact],
    effects=dict(rate=0.1, trials=8, way="equal", decades=3, validation=20, batch=20, epochs=1),
    picture=draw,
    scope="digits 8x8, 600 rows to train and 100 to validate, MLP 64-16-10, four epochs",
    wrong={
        "rate=0.001": "All rates a thousand times smaller: the winner reads seven of ten digits.",
        "validation=10": "Ten rows: many trials get all of them right, and the winner is luck.",
    },
    read_more=[
        "Bergstra, Bengio 2012, Random search for hyper-parameter optimization",
        "Bergstra, Bardenet, Bengio, Kegl 2011, Algorithms for hyper-parameter optimization (TPE)",
        "Godbole, Dahl, Gilmer, Shallue, Nado 2023, Deep learning tuning playbook",
    ],
)
