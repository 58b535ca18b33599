"""Why is the game hard, and when do modes collapse?"""

from __future__ import annotations

import math
from collections import Counter
from statistics import fmean
from typing import Any

import numpy as np
import torch
from scipy.spatial.distance import jensenshannon
from scipy.special import expit
from torch import Tensor, nn
from torch.nn.functional import softplus

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import choice, log, unit, whole
from pilotlight.data.synthetic import ring, ring_shares
from pilotlight.engine.optim import adam
from pilotlight.engine.steps import Phase, Training, normal, uniform
from pilotlight.nets.dense import mlp


class Players(nn.Module):
    """A generator turns noise into points; a discriminator says how real a point looks."""

    def __init__(self, latents: int, width: int) -> None:
        super().__init__()
        self.generator = mlp(latents, [width, width], 2)
        self.discriminator = mlp(2, [width, width], 1)


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """-log D for real points and -log(1 - D) for fakes; D is the sigmoid of what is given."""
    return softplus(-real) + softplus(fake)


def generator_loss(fake: Tensor, loss: str) -> Tensor:
    """Minimax: log(1 - D), the discriminator's own loss upside down. Non-saturating: -log D."""
    return -softplus(fake) if loss == "minimax" else softplus(-fake)


def steepness(discriminator: nn.Module, points: Tensor) -> Tensor:
    """The squared length of the discriminator's slope at each point: [B]."""
    slopes: Tensor = torch.func.grad(lambda x: discriminator(x).sum())(points)
    return slopes.square().sum(1)


def tell_apart(model: Any, batch: Any, settings: Any, state: Any) -> Any:
    """The discriminator's move. Its penalty is R1 of Mescheder, Geiger, Nowozin 2018."""
    noise = batch.noise
    real, fake = ring(noise.which, noise.around), model.generator(noise.latent)
    loss = discriminator_loss(model.discriminator(real), model.discriminator(fake)).mean()
    if settings.penalty:
        loss = loss + settings.penalty / 2 * steepness(model.discriminator, real).mean()
    return loss, {}, state


def fool(model: Any, batch: Any, settings: Any, state: Any) -> Any:
    """The generator's move."""
    fake = model.discriminator(model.generator(batch.noise.latent))
    return generator_loss(fake, settings.loss).mean(), {}, state


def covered(shares: Tensor) -> Tensor:
    """How many modes have at least one sample in a hundred near them; a fair share is 12.5."""
    return (shares >= 0.01).to(shares.dtype).sum()


def evaluate(model: Any, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """Modes covered, and the share of samples near any mode: within three standard deviations."""
    shares = ring_shares(model.generator(batch.noise.latent))
    return {"modes": covered(shares), "high_quality": shares.sum()}


def samples(model: Any, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """Some samples to draw."""
    return {"samples": model.generator(batch.noise.latent[:128])}


def play(turns: str, momentum: float = 0.0, rate: float = 0.1, steps: int = 500) -> Tensor:
    """The game x * y from (1, 1): x wants it small, y wants it large. All places [steps + 1, 2]."""
    x, y = torch.ones(2, dtype=torch.float64)
    dx = dy = torch.zeros_like(x)
    path = [torch.stack([x, y])]
    for _ in range(steps):
        slope_x, slope_y = y, x
        if turns == "looking ahead":  # extragradient: the slopes where both would go
            slope_x, slope_y = y + rate * x, x - rate * y
        dx = momentum * dx - rate * slope_x
        if turns == "in turn":
            slope_y = x + dx
        dy = momentum * dy + rate * slope_y
        x, y = x + dx, y + dy
        path.append(torch.stack([x, y]))
    return torch.stack(path)


@exhibit(tolerance=1e-12)
def circling() -> tuple[float, dict[str, float]]:
    """In the simplest game, x * y, both players going downhill circle: out, around or in.

    At once, the distance grows by sqrt(1 + rate^2) a step. Looking ahead, it shrinks by
    sqrt(1 - rate^2 + rate^4). In turn, x^2 + y^2 - rate x y never changes; with momentum b, x obeys
    the recurrence whose roots solve (r - 1)^2 (r - b)^2 + rate^2 r^3 = 0 (Gidel et al. 2019).
    """
    rate, half = 0.1, np.arange(501) / 2
    path = {turns: play(turns).numpy() for turns in ("at once", "in turn", "looking ahead")}
    path["in turn, momentum 0.9"] = play("in turn", momentum=0.9).numpy()
    distance = {name: np.hypot(*places.T) for name, places in path.items()}
    kept = (path["in turn"] ** 2).sum(1) - rate * path["in turn"].prod(1)
    recurrence = np.poly([1, 1, 0.9, 0.9])
    recurrence[1] += rate**2
    x = path["in turn, momentum 0.9"][:, 0]
    left_over = np.convolve(x, recurrence, "valid")[1:] / np.maximum.accumulate(abs(x))[5:]
    errors = [
        *distance["at once"] / (2**0.5 * (1 + rate**2) ** half) - 1,
        *distance["looking ahead"] / (2**0.5 * (1 - rate**2 + rate**4) ** half) - 1,
        *kept - kept[0],
        *left_over,
    ]
    shown = {f"{name}: distance after 500 steps": float(d[-1]) for name, d in distance.items()}
    return float(np.max(np.abs(errors))), shown


@exhibit(tolerance=1e-12)
def best_discriminator() -> tuple[float, dict[str, float]]:
    """The best discriminator is p / (p + q), and its loss log 4 less twice Jensen-Shannon."""
    draw = torch.Generator().manual_seed(0)
    p, q = torch.rand(2, 50, generator=draw, dtype=torch.float64).log().softmax(1)

    def loss(told: Tensor) -> Any:  # mean over a real place drawn from p and a fake one from q
        return p @ discriminator_loss(told[:, None], told) @ q

    best = (p / q).log()  # its sigmoid is p / (p + q); the loss is convex, so a flat place is best
    slope, least = torch.func.grad_and_value(loss)(best)
    divergence = float(jensenshannon(p, q) ** 2)
    errors = *slope.abs(), abs(float(least) - math.log(4) + 2 * divergence)
    return float(np.max(errors)), {"least loss": float(least), "divergence": divergence}


@exhibit(tolerance=1e-12)
def saturation() -> tuple[float, dict[str, float]]:
    """Where fakes are told for sure, the minimax loss is flat; the non-saturating one is steep."""
    told = torch.linspace(-20, 5, 26, dtype=torch.float64)
    minimax, steep = (
        torch.func.grad(lambda x, loss=loss: generator_loss(x, loss).sum())(told).numpy()
        for loss in ("minimax", "non_saturating")
    )
    shown = {"D": float(expit(-10)), "minimax": minimax[10], "non-saturating": steep[10]}
    errors = abs(minimax + expit(told.numpy())), abs(steep + expit(-told.numpy()))
    return float(np.max(errors)), shown


@exhibit(tolerance=1e-12)
def what_counts() -> tuple[float, dict[str, float]]:
    """Within three standard deviations a sample counts; one sample does not cover a mode."""
    each = (torch.arange(8, dtype=torch.float64) + 0.5) / 8
    aside = torch.tensor([[1.0, 0.0]], dtype=torch.float64).expand(8, 2)
    turn = torch.arange(8000, dtype=torch.float64) * (2 * math.pi / 8000)
    near = 2 * math.floor(math.asin(0.15 / 2) * 8000 / math.pi) + 1  # of 1,000: a chord of 0.15
    made = {  # samples, the modes they cover, their share near any mode
        "2.99 deviations aside": (ring(each, 2.99 * aside), 8, 1.0),
        "3.01 deviations aside": (ring(each, 3.01 * aside), 0, 0.0),
        "one mode with one sample": (ring(each, aside)[[*range(7)] * 50 + [7]], 7, 1.0),
        "half of them in the middle": (torch.cat([ring(each, aside), 0 * aside]), 8, 0.5),
        "a circle, no modes at all": (torch.stack([turn.cos(), turn.sin()], 1), 8, near / 1000),
    }
    shares = {name: ring_shares(points) for name, (points, _, _) in made.items()}
    errors = [abs(float(covered(shares[n])) - modes) for n, (_, modes, _) in made.items()]
    errors += [abs(float(shares[n].sum()) - quality) for n, (_, _, quality) in made.items()]
    return float(np.max(errors)), {f"{n}: near": float(s.sum()) for n, s in shares.items()}


COLOURS = ["#c9540a"] * 3 + ["#1f5fbf"] * 2 + ["#00866f"] * 3  # usual, one change, both


def panel(axes: Any, member: Any, snapshot: int) -> None:
    """A network's samples at one time, on circles of three standard deviations."""
    axes.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), xticks=[], yticks=[], aspect="equal")
    axes.spines[["top", "right"]].set_visible(True)
    turn = np.linspace(0, 2 * np.pi, 40)
    for x, y in ring((torch.arange(8) + 0.5) / 8, torch.zeros(8, 2)).tolist():
        axes.fill(x + 0.15 * np.cos(turn), y + 0.15 * np.sin(turn), color="#dde2e8")
    if member.snapshots:
        shown = member.snapshots[min(snapshot, len(member.snapshots) - 1)]
        axes.scatter(*np.array(shown["samples"]).T, s=3, color="#1d2430", linewidths=0)
        axes.set_xlabel(f"step {shown['step']}", fontsize=9)


def movie(report: Any, figure: Any, snapshot: int) -> None:
    """Samples as training goes on: one column for a way to train, one row for each of 3 seeds."""
    columns = ("minimax", "non_saturating", "penalty", "non_saturating_both")
    grid = figure.subplots(3, 4, gridspec_kw=dict(left=0.01, right=0.99, bottom=0.05, top=0.95))
    for column, name in enumerate(columns):
        filmed = [m for m in report.members if m.comparison == name and m.snapshots]
        grid[0, column].set_title(name.replace("_", " "), fontsize=10)
        for axes, member in zip(grid[:, column], filmed, strict=False):
            panel(axes, member, snapshot)


def picture(report: Any, figure: Any) -> None:
    """Modes covered by each network; the first seed's samples on the way, worst and best case."""
    axes = figure.add_axes((0.19, 0.11, 0.37, 0.76), xlim=(-0.6, 8.6), ylim=(7.5, -0.5))
    axes.set(xlabel="modes covered by each network", xticks=range(9), yticks=range(8))
    axes.set_yticklabels(name.replace("_", " ") for name in lab.compare)
    axes.text(9, -0.6, "samples\nnear a mode", fontsize=9, ha="center", va="bottom")
    for row, (name, colour) in enumerate(zip(lab.compare, COLOURS, strict=True)):
        members = [m for m in report.members if m.comparison == name]
        ends = [m.final for m in members if m.final.get("modes") is not None]
        for modes, count in Counter(e["modes"] for e in ends).items():
            place = np.arange(count)
            y = row + 0.18 * (place // 5 - (count - 1) // 5 / 2)
            axes.plot(modes + 0.15 * (place % 5 - 2), y, ".", color=colour, markersize=6)
        if ends:
            share = f"{fmean(e['high_quality'] for e in ends):.0%}"
            axes.text(9, row, share, color=colour, ha="center", va="center")
        if members and name in ("non_saturating", "non_saturating_both"):
            last = len(members[0].snapshots) - 1
            for column, snapshot in enumerate((last // 5, last // 2, last)):
                corner = 0.655 + 0.115 * column, 0.55 if row < 3 else 0.16
                panel(figure.add_axes((*corner, 0.11, 0.22)), members[0], snapshot)
    figure.text(0.655, 0.79, "non saturating, first seed", color=COLOURS[0])
    figure.text(0.655, 0.4, "both changes, first seed", color=COLOURS[-1])


MINIMAX, PENALTY = dict(loss="minimax"), dict(penalty=1)
BOTH = dict(beta1=0.0, discriminator_rate=0.003)


def seven_of_eight(modes: float) -> bool:
    """Success: all modes are covered, but for one at most."""
    return modes >= 7


SUCCESS: Any = dict(metric="modes", success=seven_of_eight)

lab = Lab(
    area="generative",
    week=2,
    systems=[48],
    needs=["adam"],
    seconds=140,
    text="""
Two networks play. The generator turns noise into points. The discriminator says which points are
real, and each learns from the other. There is no common valley to roll down. In the simplest game,
x times y, two players who both go downhill circle around the place where both would be content.
Both at once, they spiral out. In turn, they circle for ever. In turn and with momentum 0.9, Adam's
usual, they fly apart (first exhibit).

The data here are eight small clouds on a ring. A generator may please its discriminator with one or
two of them: modes collapse. This is often told as something that GANs do. It is something that they
do at some settings. With Adam's usual momentum and equal rates, few seeds cover seven modes. (Nor
for ever: after twice the steps three of six others had found all eight.) Leave out the momentum, or
let the discriminator learn three times faster, and most do. With both, all do, and then it matters
little which loss the generator has.

Watch two numbers. A generator that draws a circle through all eight clouds covers eight modes, and
38 % of its samples are near one (last exhibit). In the movie, the penalty does just this: it stops
the collapse, and with momentum it makes rings. Where nothing collapses, it costs quality.
""",
    model=lambda s: Players(s.latents, s.width),
    train=Training(
        phases=[
            Phase(
                tell_apart,
                moves="discriminator",
                optimizer=adam.reading(rate="discriminator_rate"),
            ),
            Phase(fool, moves="generator", optimizer=adam),
        ],
        noise=lambda s: dict(
            latent=normal(s.batch, s.latents), which=uniform(s.batch), around=normal(s.batch, 2)
        ),
        evaluation_noise=lambda s: dict(latent=normal(2000, s.latents)),
        evaluate=evaluate,
        snapshot=samples,
        snapshot_seeds=3,
    ),
    settings=dict(
        rate=log(1e-5, 1, 0.001),
        discriminator_rate=log(1e-5, 1, 0.001),
        beta1=unit(0.9),
        loss=choice("non_saturating", "minimax"),
        penalty=whole(0, 100, 0),
        latents=whole(1, 100, 2),
        width=whole(1, 512, 32),
        batch=whole(1, 512, 64),
        steps=whole(1, 100_000, 2000),
        measure_every=whole(1, 10_000, 100),
    ),
    compare=dict(
        minimax=MINIMAX,
        non_saturating={},
        penalty=PENALTY,
        no_momentum=dict(beta1=0.0),
        faster_discriminator=dict(discriminator_rate=0.003),
        minimax_both={**MINIMAX, **BOTH},
        non_saturating_both=BOTH,
        penalty_both={**PENALTY, **BOTH},
    ),
    seeds=20,
    quick=dict(steps=500),
    metrics=dict(
        modes=Metric(unit="modes", better="higher", worst=0),
        high_quality=Metric(unit="share of samples", better="higher", worst=0),
    ),
    claims=dict(
        collapse=Claim(
            "With Adam's usual momentum, at most half of the seeds cover seven modes of eight.",
            "non_saturating",
            **SUCCESS,
            at_most=0.5,
            expected=SUPPORTED,
        ),
        always=Claim(
            "GANs suffer from mode collapse: so do at least half of the seeds at any setting.",
            "non_saturating_both",
            **SUCCESS,
            at_most=0.5,
            expected=REFUTED,
            scope="no momentum and a discriminator three times faster; no other help",
        ),
        momentum=Claim(
            "Without momentum, more seeds cover seven modes.",
            "no_momentum",
            "non_saturating",
            **SUCCESS,
            at_least=0.2,
            expected=SUPPORTED,
        ),
        discriminator=Claim(
            "With a discriminator that learns three times faster, more seeds cover seven modes.",
            "faster_discriminator",
            "non_saturating",
            **SUCCESS,
            at_least=0.2,
            expected=SUPPORTED,
        ),
        penalty=Claim(
            "With momentum, the penalty saves at least two modes.",
            "penalty",
            "non_saturating",
            metric="modes",
            at_least=2,
            test="rank",
            expected=SUPPORTED,
        ),
        price=Claim(
            "Where nothing collapses, the penalty puts fewer samples near a mode.",
            "penalty_both",
            "non_saturating_both",
            metric="high_quality",
            at_most=-0.05,
            expected=SUPPORTED,
        ),
        saturating=Claim(
            "The minimax loss saturates, so it ends far worse than the non-saturating one.",
            "minimax_both",
            "non_saturating_both",
            metric="high_quality",
            at_most=-0.15,
            expected=REFUTED,
        ),
    ),
    exhibits=[circling, best_discriminator, saturation, what_counts],
    effects=dict(
        rate=0.01,
        discriminator_rate=0.01,
        beta1=0.5,
        loss="minimax",
        penalty=2,
        latents=3,
        width=16,
        batch=32,
        steps=10,
    ),
    scope="ring of 8 Gaussians, radius 1, spread 0.05 (PacGAN has 0.01, 400 units), new points at "
    "each step, MLP 2-32-32-2 against MLP 2-32-32-1, 2,000 steps of Adam, batch 64, penalty 1; "
    "a mode is covered by 20 samples of 2,000 within three standard deviations",
    wrong={
        "discriminator_rate=0.0001": "The generator runs ahead. It sits on one cloud, and moves on "
        "once the discriminator finds out. Comparisons with a faster discriminator are spared.",
        "latents=1": "One number makes a line. It passes through all clouds, and half of the "
        "samples lie between them.",
        "width=8": "Too few units to bend the plane to a ring: one to four modes without momentum.",
    },
    read_more=[
        "Goodfellow et al. 2014, Generative adversarial nets (both losses)",
        "Radford, Metz, Chintala 2016, DCGAN (momentum 0.9 oscillates, 0.5 helps)",
        "Metz, Poole, Pfau, Sohl-Dickstein 2017, Unrolled GANs (the ring)",
        "Heusel et al. 2017, GANs trained by a two time-scale update rule",
        "Lin, Khetan, Fanti, Oh 2018, PacGAN (on its ring a plain GAN covers 6.3 of 8 modes)",
        "Mescheder, Geiger, Nowozin 2018, Which training methods for GANs do actually converge?",
        "Gidel et al. 2019, Negative momentum for improved game dynamics",
    ],
    picture=picture,
    movie=movie,
)
