"""Can invariance be learned without labels?"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from scipy.special import logsumexp
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn.functional import normalize, one_hot

from pilotlight.core.lab import REFUTED, SUPPORTED, Claim, Lab, Metric, exhibit
from pilotlight.core.settings import choice, linear, log, unit, whole
from pilotlight.data.shapes import NAMES, SIDE, augment, drawn_shapes, pretrain_train_test
from pilotlight.engine.losses import cross_entropy
from pilotlight.engine.optim import adam
from pilotlight.engine.steps import Phase, Stage, Training, uniform
from pilotlight.measure.readouts import linear_readout, neighbours_vote, within_share


class Learner(nn.Module):
    """The encoder turns a picture into a code. The head, for pre-training only, reads the code."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Flatten(),
            *(nn.Linear(SIDE * SIDE, 64), nn.LayerNorm(64), nn.ReLU()),
            *(nn.Linear(64, 32), nn.LayerNorm(32), nn.ReLU()),
        )
        self.head = nn.Linear(32, outputs)
        # else all outputs point the same way at first, and contrast learns nothing for long
        self.standardise = nn.BatchNorm1d(outputs, affine=False, track_running_stats=False)


def build(settings: Any) -> Learner:
    """The same encoder for all methods; in the head an output for each class, or 16 to contrast."""
    classes = {"supervised": len(NAMES), "instances": settings.exemplars}
    return Learner(classes.get(settings.method, 16))


def nt_xent(one: Tensor, two: Tensor, temperature: Any, negatives: int) -> Tensor:
    """Tell the other look at the same picture from looks at other pictures: codes [B, D] of both.

    To each look, the other look at its picture is the positive; both looks at the next `negatives`
    pictures of the batch are negatives. In Chen et al. 2020 all others are: negatives = B - 1.
    """
    one, two = normalize(one, dim=1), normalize(two, dim=1)  # only angles count
    looks, count = torch.cat([one, two]), len(one)
    number = torch.arange(2 * count, device=looks.device)
    ahead = (number - number[:, None]) % count  # how many pictures on; 0 is the same one
    left_out = (number == number[:, None]) | (ahead > negatives)
    alike = (looks @ looks.T / temperature).masked_fill(left_out, -torch.inf)
    positive = (one * two).sum(1) / temperature
    loss: Tensor = alike.logsumexp(1).mean() - positive.mean()
    return loss


def pretrain(model: Any, batch: Any, settings: Any, state: Any) -> Any:
    """Take two looks at each picture, and learn from them what the method wants."""
    strengths = settings.shift, settings.turn, settings.zoom, settings.brightness
    looks = [augment(batch.inputs, n, *strengths) for n in (batch.noise.one, batch.noise.two)]
    outputs = model.head(model.encoder(torch.cat(looks)))
    if settings.method == "contrast":
        one, two = model.standardise(outputs).chunk(2)
        return nt_xent(one, two, settings.temperature, settings.negatives), {}, state
    if settings.method == "untrained":
        return 0 * outputs.sum(), {}, state
    label = batch.targets[:, 0 if settings.method == "supervised" else 5].long()
    return cross_entropy(outputs, label.repeat(2)), {}, state


def reference(model: Any, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """What read-outs are fitted on: the training pictures, as they are, and here their labels."""
    codes = model.encoder(batch.inputs)
    return {"codes": codes, "outputs": model.head(codes), "targets": batch.targets}


def evaluate(model: Any, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """What can be read of pictures never trained on: their shape, their place."""
    known, codes = batch.reference, model.encoder(batch.inputs)
    label, place = batch.targets[:, 0].long(), batch.targets[:, 1:3]
    shape, known_place = one_hot(label, 3).to(codes), known.targets[:, 1:3]
    known_shape = one_hot(known.targets[:, 0].long(), 3).to(codes)
    weights, bias = linear_readout(known.codes, torch.cat([known_shape, known_place], 1))
    read, votes = codes @ weights + bias, neighbours_vote(codes, known.codes, known_shape)
    missed = (read[:, 3:] - place).square().sum(1) / known_place.var(0, correction=0).sum()
    return {
        "accuracy": (read[:, :3].argmax(1) == label).to(codes),
        "neighbours": (votes.argmax(1) == label).to(codes),
        "place": 1 - missed,
        "code_within": within_share(codes, shape, known.codes, known_shape),
        "within": within_share(model.head(codes), shape, known.outputs, known_shape),
    }


def planes(model: Any, batch: Any, settings: Any, state: Any) -> dict[str, Tensor]:
    """The head's outputs for 200 test pictures, seen along their two main directions."""
    outputs, shape = model.head(model.encoder(batch.inputs[:200])), batch.targets[:200, 0]
    outputs = outputs - outputs.mean(0)
    seen = outputs @ torch.linalg.eigh(outputs.T @ outputs).eigenvectors[:, [-1, -2]]
    sides = torch.stack(
        [((shape == 2)[:, None] * seen).sum(0), ((shape == 0)[:, None] * seen).sum(0)]
    )
    seen = seen * torch.where(sides.diagonal() < 0, -1, 1)  # each direction has two senses
    return {"seen": seen / seen.abs().amax(), "shape": shape}


@exhibit(tolerance=1e-12)
def nt_xent_in_closed_form() -> tuple[float, dict[str, float]]:
    """Codes all alike cost ln(2N - 1); N pairs at right angles cost ln(e^(1/t) + 2N - 2) - 1/t."""
    count, t = 8, 0.5
    draw = torch.Generator().manual_seed(0)
    one, two, long = torch.rand(3, count, 5, generator=draw, dtype=torch.float64) + 0.1
    alike, apart = torch.ones(count, 5, dtype=torch.float64), torch.eye(count, dtype=torch.float64)
    looks = np.concatenate([normalize(one), normalize(two)])
    by_hand = [  # as in the paper, look by look
        logsumexp([looks[i] @ looks[k] / t for k in range(2 * count) if k != i])
        - looks[i] @ looks[(i + count) % (2 * count)] / t
        for i in range(2 * count)
    ]
    loss = nt_xent(one, two, t, count - 1)
    at_right_angles = math.log(math.exp(1 / t) + 2 * count - 2) - 1 / t
    errors = [
        nt_xent(alike, 3 * alike, t, count - 1) - math.log(2 * count - 1),
        nt_xent(alike, alike, t, 1) - math.log(3),
        nt_xent(apart, apart, t, count - 1) - at_right_angles,
        loss - np.mean(by_hand),
        loss - nt_xent(two, one, t, count - 1),
        loss - nt_xent(one * long[:, :1], two, t, count - 1),
    ]
    diagonal = math.log(2 * math.exp(1 / t) + 2 * count - 2) - 1 / t
    return float(np.abs(errors).max()), {
        "8 pairs at right angles": at_right_angles,
        "the same with the diagonal left in, or the positive counted twice": diagonal,
    }


@exhibit(tolerance=1e-10)
def readouts_are_scikit_learns() -> float:
    """Read-outs are fitted on training rows, and score on test rows what scikit-learn's do."""
    draw = torch.Generator().manual_seed(0)
    targets = torch.rand(300, 6, generator=draw, dtype=torch.float64)
    targets[:, 0] = torch.arange(300) % 3
    mixed = torch.randn(3, 5, generator=draw, dtype=torch.float64)
    noise = torch.randn(300, 5, generator=draw, dtype=torch.float64)
    inputs = targets[:, :3] @ mixed + noise
    model = SimpleNamespace(encoder=nn.Identity(), head=nn.Identity())
    train = SimpleNamespace(inputs=inputs[:200], targets=targets[:200])
    known = SimpleNamespace(**reference(model, train, None, {}))
    test = SimpleNamespace(inputs=inputs[200:], targets=targets[200:], reference=known)
    found = evaluate(model, test, None, {})

    x, y = inputs[:200].numpy(), inputs[200:].numpy()
    shape, place = targets[:, 0].long().numpy(), targets[:, 1:3].numpy()
    ridge = make_pipeline(StandardScaler(), Ridge(alpha=2.0))
    read = ridge.fit(x, np.eye(3)[shape[:200]]).predict(y)
    missed = place[200:] - ridge.fit(x, place[:200]).predict(y)
    near = KNeighborsClassifier(5, metric="cosine").fit(x, shape[:200])
    ways = y - NearestCentroid().fit(x, shape[:200]).centroids_[shape[200:]]
    theirs = {
        "accuracy": np.mean(read.argmax(1) == shape[200:]),
        "neighbours": near.score(y, shape[200:]),
        "place": 1 - (missed**2).sum() / 100 / place[:200].var(0).sum(),
        "within": (ways**2).sum() / 100 / x.var(0).sum(),
    }
    return float(np.max([abs(found[n].mean().item() - v) for n, v in theirs.items()]))


WORDS = {
    "untrained": "untrained",
    "contrast": "contrast",
    "few_negatives": "two negatives",
    "no_turns": "no turns",
    "few_instances": "100 instances",
    "instances": "800 instances",
    "supervised": "supervised",
}
COLOURS = ("#1f5fbf", "#c9540a", "#00866f")


def plane(axes: Any, report: Any, comparison: str, snapshot: int) -> None:
    """Test pictures of the first seed where a network's head puts them, each drawn as its shape."""
    axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), xticks=[], yticks=[], aspect="equal")
    axes.spines[["top", "right"]].set_visible(True)
    axes.set_title(WORDS[comparison], fontsize=10)
    filmed = [m for m in report.members if m.comparison == comparison and m.snapshots]
    if filmed:
        kept = filmed[0].snapshots[min(snapshot, len(filmed[0].snapshots) - 1)]
        seen, shape = np.array(kept["seen"]), np.array(kept["shape"])
        for number, (marker, colour) in enumerate(zip("so^", COLOURS, strict=True)):
            own = seen[shape == number].T
            axes.scatter(*own, s=14, marker=marker, color=colour, alpha=0.6, linewidths=0)


def movie(report: Any, figure: Any, snapshot: int) -> None:
    """Where test pictures go as training goes on."""
    names = [n for n in WORDS if n != "instances"]
    grid = figure.subplots(2, 3, gridspec_kw=dict(left=0.01, right=0.99, bottom=0.01, top=0.86))
    for axes, name in zip(grid.flat, names, strict=True):
        plane(axes, report, name, snapshot)
    epochs = [s["epoch"] for m in report.members for s in m.snapshots[snapshot : snapshot + 1]]
    figure.text(0.01, 0.94, f"epoch {max(epochs):.0f}", fontsize=12, fontweight="bold")


def picture(report: Any, figure: Any) -> None:
    """Four planes; what is read of each network's codes; how invariant its head is."""
    for column, name in enumerate(("untrained", "contrast", "no_turns", "supervised")):
        axes = figure.add_axes((0.13 + 0.217 * column, 0.57, 0.205, 0.36))
        plane(axes, report, name, 10**6)
    for row, (name, colour) in enumerate(zip(NAMES, COLOURS, strict=True)):
        figure.text(0.01, 0.85 - 0.06 * row, "■●▲"[row] + " " + name, color=colour)
    panels = (
        (0.16, "accuracy", (0.3, 1.03), "shapes read rightly from the code"),
        (0.6, "within", (-0.03, 1.13), "share of spread within a shape (outputs)"),
    )
    for left, metric, limits, words in panels:
        axes = figure.add_axes((left, 0.1, 0.38, 0.38), xlim=limits, xlabel=words)
        axes.set(yticks=range(len(WORDS)), yticklabels=WORDS.values() if left < 0.5 else [])
        axes.set_ylim(len(WORDS) - 0.5, -0.5)
        axes.grid(axis="x")
        for row, name in enumerate(WORDS):
            members = [m for m in report.members if m.comparison == name]
            ends = [m.final.get(f"test_{metric}") for m in members]
            found = [e for e in ends if e is not None]
            colour = "#5a6472" if name in ("untrained", "supervised") else "#1f5fbf"
            axes.plot(found, [row] * len(found), "o", color=colour, alpha=0.5, markersize=5)


lab = Lab(
    area="representation",
    week=3,
    systems=[50],
    needs=["adam"],
    seconds=220,
    text="""
A network sees small pictures of squares, ellipses and triangles, and nobody says which is which. It
gets two looks at each picture, turned, shifted, zoomed and shaded at random. It shall tell the
other look at the same picture from looks at other pictures. What changes from look to look is of no
use for that. What stays is the shape. This is contrast (SimCLR). The older way is to give each
picture a class of its own, and to assign all looks at it to that class (instances).

Afterwards we ask what is in the codes. A linear map, fitted on training pictures, reads the shape
of test pictures. Two networks frame the answer: one trained with labels, and one not trained at
all. The second matters. Its nearest neighbours already tell most shapes, so a high score by
neighbours alone shows little.

Invariance is learned for what was varied, and mostly in the head's outputs, where the contrast is
made: little but the shape is left there. The codes before the head still say where the shape lay.
Leave out the turns, and the outputs spread along the turns. Two negatives do nearly as well as 126.
As instances, 800 pictures are many classes of few looks each, and learning takes longer.
""",
    data=drawn_shapes,
    split=pretrain_train_test,
    model=build,
    train=Training(
        phases=[Phase(pretrain)],
        evaluate=evaluate,
        parts=("test",),
        noise=lambda s: dict(one=uniform(s.batch, 5), two=uniform(s.batch, 5)),
        stages=lambda s: [Stage("pretrain", s.epochs)],
        reference=reference,
        snapshot=planes,
    ),
    optimizer=adam,
    settings=dict(
        method=choice("contrast", "instances", "supervised", "untrained"),
        negatives=whole(1, 63, 63),
        temperature=log(0.01, 10, 0.2),
        shift=linear(0, 8, 2.0),
        turn=unit(1.0),
        zoom=linear(0, 1, 0.2),
        brightness=unit(0.2),
        exemplars=whole(1, 10_000, 800),
        images=whole(64, 10_000, 800),
        rate=log(1e-5, 1, 0.003),
        batch=whole(2, 64, 64),
        epochs=whole(1, 1000, 80),
    ),
    compare=dict(
        untrained=dict(method="untrained"),
        contrast={},
        few_negatives=dict(negatives=1),
        no_turns=dict(turn=0.0),
        few_instances=dict(method="instances", exemplars=100),
        instances=dict(method="instances"),
        supervised=dict(method="supervised"),
    ),
    quick=dict(epochs=10),
    metrics=dict(
        test_neighbours=Metric(unit="accuracy"),
        test_place=Metric(unit="share of variance", worst=0.0),
        test_code_within=Metric(unit="share of variance", better="lower"),
        test_within=Metric(unit="share of variance", better="lower"),
    ),
    claims=dict(
        learns=Claim(
            "Contrast, without labels, makes shapes readable that an untrained encoder mixes.",
            "contrast",
            "untrained",
            at_least=0.2,
            expected=SUPPORTED,
        ),
        as_labels=Claim(
            "A line then reads the shape as well as from an encoder that was told all labels.",
            "contrast",
            "supervised",
            within=0.1,
            expected=SUPPORTED,
        ),
        many_negatives=Claim(
            "Contrast needs many negatives to become invariant.",
            "contrast",
            "few_negatives",
            metric="test_within",
            at_most=-0.3,
            expected=REFUTED,
        ),
        what_is_varied=Claim(
            "Only what is varied is let go: without turns, outputs spread within a shape.",
            "no_turns",
            "contrast",
            metric="test_within",
            at_least=0.5,
            expected=SUPPORTED,
        ),
        forgotten=Claim(
            "What was varied can no longer be read: of the place, at most a tenth of the variance.",
            "contrast",
            metric="test_place",
            at_most=0.1,
            expected=REFUTED,
        ),
        instances=Claim(
            "To label each look by the picture it came from does it too, for 100 pictures.",
            "few_instances",
            "untrained",
            at_least=0.2,
            expected=SUPPORTED,
        ),
        more_instances=Claim(
            "With all 800 pictures as labels, in equal time, less is learned.",
            "instances",
            "few_instances",
            at_most=-0.05,
            expected=SUPPORTED,
        ),
    ),
    exhibits=[nt_xent_in_closed_form, readouts_are_scikit_learns],
    picture=picture,
    movie=movie,
    effects=dict(
        method="supervised",
        negatives=5,
        temperature=0.5,
        shift=1.0,
        turn=0.5,
        zoom=0.1,
        brightness=0.5,
        exemplars=80,
        images=200,
        rate=0.01,
        batch=32,
        epochs=1,
    ),
    scope="drawn squares, ellipses and triangles of 16x16 pixels, 800 to train, 400 to test; MLP "
    "256-64-32 with layer normalisation, 960 steps of Adam; pre-training sees no test picture",
    wrong={
        "turn=0": "All networks alike see no turns: outputs spread within a shape, as in no_turns.",
        "shift=6": "Shapes leave the picture: looks share little, outputs stay spread in a shape.",
    },
    read_more=[
        "Dosovitskiy et al. 2014, Discriminative unsupervised feature learning (Exemplar-CNN)",
        "Chen, Kornblith, Norouzi, Hinton 2020, A simple framework for contrastive learning",
        "Wang, Isola 2020, Understanding contrastive learning through alignment and uniformity",
        "Matthey et al. 2017, dSprites (shapes of known factors)",
    ],
)
