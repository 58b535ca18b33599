"""Dropout: a network that cannot rely on any one unit.

While it trains, dropout sets each number it is given to 0, with probability `rate` and on its own,
anew in every call. What is kept is divided by 1 - rate, so that the expected value stays what it
was. While the network is evaluated, dropout changes nothing.

Write `forward`. A module knows by `self.training` which of the two it is to do.
"""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Drops numbers with probability `rate`, from 0 to below 1, while training."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape; the result has its shape and dtype."""
        # --- solution ---
        if not self.training:
            return x
        kept = torch.rand_like(x) >= self.rate
        return x * kept / (1 - self.rate)
        # --- end ---


# --- checks ---
from typing import Any

from pilotlight.practice.exercise import Check, Exercise, Wrong, between
from pilotlight.practice.inputs import normal, tensor

MANY = 10_000


def ones(*shape: int) -> Tensor:
    """Ones show what happens to each number."""
    return torch.ones(shape, dtype=torch.float64)


def shape(answer: Any) -> Any:
    """The result has the shape and the dtype of what went in."""
    out = answer.Dropout(0.5)(ones(2, 3, 4))
    return {"shape": list(out.shape), "dtype": str(out.dtype)}


def two_values(answer: Any) -> Any:
    """Each number is either 0 or divided by 1 - rate."""
    return {"values": answer.Dropout(0.2)(3 * ones(MANY)).unique()}


def share(answer: Any) -> Any:
    """At rate 0.3, out of 10,000 numbers 7,000 are kept, give or take four standard deviations."""
    return {"kept": int((answer.Dropout(0.3)(ones(MANY)) != 0).sum())}


def each_alone(answer: Any) -> Any:
    """Every number has a chance of its own: no two rows and no two columns share a mask."""
    kept = answer.Dropout(0.5)(ones(50, 50)) != 0
    return {"different rows": len(kept.unique(dim=0)), "different columns": len(kept.unique(dim=1))}


def anew(answer: Any) -> Any:
    """Every call draws anew."""
    layer = answer.Dropout(0.5)
    masks = torch.stack([layer(ones(100)) != 0 for _ in range(5)])
    return {"different masks in five calls": len(masks.unique(dim=0))}


def nothing_dropped(answer: Any) -> Any:
    """At rate 0 nothing is dropped."""
    return {"result": answer.Dropout(0.0)(normal(6))}


def gradient(answer: Any) -> Any:
    """The gradient passes where numbers are kept, by the same factor."""
    x = ones(200).requires_grad_()
    out = answer.Dropout(0.5)(x)
    out.sum().backward()
    return {"gradient equals the factor": bool((x.grad == out).all())}


def evaluated(answer: Any) -> Any:
    """While the network is evaluated, what goes in comes out."""
    return {"result": answer.Dropout(0.4).eval()(tensor([1, -2, 3]))}


class ByBernoulli(nn.Module):
    """Right as well: torch draws the mask, and it is scaled before it is used."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            mask = torch.empty_like(x).bernoulli_(1 - self.rate)
            return mask.div(1 - self.rate).mul(x)
        return x.clone()


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any rate, both modes."""
    rate = float(torch.rand(1, generator=generator)) * 0.9
    x = torch.randn(5, 6, generator=generator, dtype=torch.float64)
    layer = answer.Dropout(rate)
    return {"trains": layer(x), "again": layer(x), "evaluates": layer.eval()(x)}


SAME_EACH_TIME = "torch.rand(x.shape, generator=torch.Generator().manual_seed(0))"

exercise = Exercise(
    area="regularization",
    needs=["training-loop"],
    lab="dropout",
    minutes=15,
    hints=[
        "torch.rand_like(x) is a number between 0 and 1 for each number of x. It lies below "
        "`rate` with probability `rate`.",
        "A comparison gives a mask of true and false. Times x it keeps or drops.",
        "Of ten numbers seven are left at rate 0.3. What must the seven be divided by, so that the "
        "sum stays what it was?",
    ],
    tasks={
        "While training": [
            shape,
            two_values,
            Check(share, lambda: {"kept": between(6816, 7184)}),
            each_alone,
            anew,
            nothing_dropped,
            gradient,
        ],
        "While evaluating": [evaluated],
    },
    oracle={"Dropout": nn.Dropout},
    alternative={"Dropout": ByBernoulli},
    sample=at_random,
    wrong=[
        Wrong(
            {" / (1 - self.rate)": ""},
            "What is kept is not divided by 1 - rate: the next layer gets less while training "
            "than while evaluating.",
        ),
        Wrong(
            {"(1 - self.rate)": "self.rate"},
            "What is kept is divided by rate. Kept is the share 1 - rate: divide by that.",
        ),
        Wrong(
            {"if not self.training:": "if False:"},
            "It drops numbers while evaluating too: ask self.training.",
        ),
        Wrong(
            {"if not self.training:": "if self.training:"},
            "The two modes are the wrong way round: it drops while evaluating, not while training.",
        ),
        Wrong(
            {"training:\nreturn x": "training:\n    return x * (1 - self.rate)"},
            "The result is also scaled while evaluating. That belongs to the form of dropout that "
            "does not divide while training; here it would count twice.",
        ),
        Wrong(
            {
                "training:\nreturn x": "training:\n    return x * (1 - self.rate)",
                " / (1 - self.rate)": "",
            },
            "This is dropout's first form, scaled while evaluating. Here what is kept is divided "
            "while training, so that evaluating costs nothing.",
        ),
        Wrong(
            {">= self.rate": "< self.rate"},
            "It keeps with probability rate: at 0.3 most numbers are to stay.",
        ),
        Wrong(
            {"torch.rand_like(x)": "torch.rand(x.shape[-1])"},
            "One mask is drawn for all rows: every number needs a draw of its own, so draw with "
            "the shape of x.",
        ),
        Wrong(
            {"torch.rand_like(x)": "torch.rand(x.shape[0], *[1] * (x.dim() - 1))"},
            "Whole rows are dropped or kept: every number needs a draw of its own, so draw with "
            "the shape of x.",
        ),
        Wrong(
            {"torch.rand_like(x)": SAME_EACH_TIME},
            "Every call draws the same mask: the generator starts anew each time, so the same "
            "numbers are always dropped.",
        ),
        Wrong(
            {"return x * kept": "return x.detach() * kept"},
            "The result was cut from the graph: nothing below this layer would learn.",
        ),
        Wrong(
            {"torch.rand_like(x)": "torch.randn_like(x)"},
            "The draws are normal, not uniform: compared with rate they drop the wrong share.",
        ),
        Wrong(
            {"return x * kept / (1 - self.rate)": "return x[kept] / (1 - self.rate)"},
            "x[kept] takes the kept numbers out of x, and the shape is lost: multiply by the mask.",
        ),
    ],
)
