"""Layer normalization.

Batch normalization needs a batch: with one example, or with sequences of different lengths, it has
little to average. Layer normalization needs only the example itself. Each vector x of n features
is brought to mean 0 and variance 1 by its own mean and variance:

    mean  =  sum of x / n          variance  =  sum of (x - mean)^2 / n
    out   =  (x - mean) / sqrt(variance + eps) * weight + bias

There are no running statistics, and training and evaluation do the same. In a transformer it works
on tensors (batch, places, features): each place of each sequence is normalized alone. Write it out,
for any number of dimensions before the features.
"""

import torch
from torch import Tensor


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """`x` (..., features), `weight` and `bias` (features); the result has the shape of `x`."""
    # --- solution ---
    mean = x.mean(dim=-1, keepdim=True)
    variance = x.var(dim=-1, correction=0, keepdim=True)
    normal = (x - mean) / torch.sqrt(variance + eps)
    return normal * weight + bias
    # --- end ---


# --- checks ---
from typing import Any

from torch.nn import functional

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor


def result(answer: Any, x: Tensor, eps: float = 1e-5) -> Any:
    """What comes out, with a weight and a bias for each feature."""
    features = x.shape[-1]
    return {"result": answer.layer_norm(x, normal(features, seed=8), normal(features, seed=9), eps)}


def plain(answer: Any, x: Tensor) -> Any:
    """What comes out with weight 1, bias 0 and eps 0."""
    ones = torch.ones(x.shape[-1], dtype=torch.float64)
    return {"result": answer.layer_norm(x, ones, 0 * ones, 0.0)}


def by_hand(answer: Any) -> Any:
    """Of 1, 1, 3, 3 the mean is 2 and the variance 1."""
    return plain(answer, tensor([[1, 1, 3, 3], [40, 0, 40, 0]]))


def weighted(answer: Any) -> Any:
    """Each feature is scaled by its weight and shifted by its bias, after it was normalized."""
    return result(answer, 3 + 2 * normal(4, 5))


def dimensions(answer: Any) -> Any:
    """Of (batch, places, features), or of one vector alone, only the features are averaged."""
    x = 3 + normal(4, 3, 5)
    return {"three": result(answer, x)["result"], "one": result(answer, x[0, 0])["result"]}


def alone(answer: Any) -> Any:
    """A vector's result does not depend on the others in the batch."""
    x = normal(4, 3)
    x[1:] *= 1000
    return {"result": result(answer, x)["result"][0]}


def size(answer: Any) -> Any:
    """A vector 1,000 times as large, or moved by 7, gives the same."""
    x = normal(1, 6)
    return plain(answer, torch.cat([x, 1000 * x, x + 7]))


def constant(answer: Any) -> Any:
    """Where all features are equal only the bias is left: eps keeps 0 / 0 away."""
    return result(answer, tensor([[2, 2, 2], [2, 2, 2.001]]), eps=1e-3)


def gradients(answer: Any) -> Any:
    """The gradient goes back through mean and variance, to x, weight and bias."""
    inputs = [normal(3, 4), normal(4, seed=1), normal(4, seed=2)]
    for t in inputs:
        t.requires_grad_()
    (answer.layer_norm(*inputs, 1e-5) * normal(3, 4, seed=3)).sum().backward()
    names = ("x's gradient", "weight's gradient", "bias's gradient")
    return {name: t.grad for name, t in zip(names, inputs, strict=True)}


def signs() -> Any:
    """Two values, equally often: one deviation below the mean, and one above."""
    return {"result": tensor([[-1, -1, 1, 1], [1, -1, 1, -1]])}


def by_torch(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Torch's own function."""
    return functional.layer_norm(x, x.shape[-1:], weight, bias, eps)


def by_squares(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Right as well: the squares are added up, and one factor does it all."""
    n = x.shape[-1]
    away = x - (x.sum(-1) / n).unsqueeze(-1)
    factor = (away.pow(2).sum(-1) / n + eps).rsqrt().unsqueeze(-1)
    return torch.addcmul(bias, away * factor, weight)


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any sizes and up to three dimensions."""
    sizes = torch.randint(2, 6, (3,), generator=generator).tolist()
    dimensions = int(torch.randint(1, 4, (1,), generator=generator))
    x = torch.randn(sizes[:dimensions], generator=generator).double()
    weight, bias = torch.randn(2, x.shape[-1], generator=generator).double()
    return {"result": answer.layer_norm(x, weight, bias, 0.1)}


ALL_BUT_BATCH = "dim=tuple(range(1, x.dim()))"

exercise = Exercise(
    area="networks",
    needs=["batch-norm"],
    lab="normalization",
    minutes=10,
    hints=[
        "The features are the last dimension, whatever comes before: dim=-1.",
        "keepdim=True leaves a dimension of size 1, so that (batch, 1) can be taken away from "
        "(batch, features).",
        "x.var(dim=-1) divides by n - 1; with correction=0 it divides by n.",
    ],
    tasks={
        "The formula": [Check(by_hand, signs), weighted, constant],
        "What it does": [dimensions, alone, size],
        "Backward": [gradients],
    },
    oracle={"layer_norm": by_torch},
    alternative={"layer_norm": by_squares},
    sample=at_random,
    wrong=[
        Wrong(
            {
                "x.mean(dim=-1, keepdim=True)": "x.mean(dim=0)",
                "x.var(dim=-1, correction=0, keepdim=True)": "x.var(dim=0, correction=0)",
            },
            "Mean and variance run over the batch, dim=0. That is batch normalization; here each "
            "vector is normalized by itself, dim=-1.",
        ),
        Wrong(
            {
                "x.mean(dim=-1, keepdim=True)": "x.mean()",
                "x.var(dim=-1, correction=0, keepdim=True)": "x.var(correction=0)",
            },
            "One mean and one variance were taken for the whole tensor: each vector has its own, "
            "so name the dimension.",
        ),
        Wrong(
            {
                "x.mean(dim=-1, keepdim=True)": f"x.mean({ALL_BUT_BATCH}, keepdim=True)",
                "x.var(dim=-1, ": f"x.var({ALL_BUT_BATCH}, ",
            },
            "Mean and variance run over all that is in an example: a place would see the "
            "others. Average over the features alone, dim=-1.",
        ),
        Wrong(
            {"correction=0, ": ""},
            "The variance divides by n - 1: var does, unless correction=0 is given. Here it "
            "divides by n.",
        ),
        Wrong(
            {"torch.sqrt(variance + eps)": "(torch.sqrt(variance) + eps)"},
            "eps is added to the root, not under it: the result differs where the variance is "
            "small.",
        ),
        Wrong(
            {"torch.sqrt(variance + eps)": "torch.sqrt(variance)"},
            "eps is missing: where all features are equal, 0 / 0 gives nan.",
        ),
        Wrong(
            {"torch.sqrt(variance + eps)": "(variance + eps)"},
            "The difference is divided by the variance: divide by its root, the standard "
            "deviation.",
        ),
        Wrong(
            {"(x - mean) / ": "x / "},
            "The mean is not taken away: the results keep the size of the mean, and only their "
            "spread is 1.",
        ),
        Wrong(
            {"normal * weight + bias": "(normal + bias) * weight"},
            "The bias is scaled as well: first times weight, then plus bias.",
        ),
        Wrong(
            {"normal * weight + bias": "normal"},
            "Weight and bias are missing: the layer could give nothing but mean 0 and variance 1.",
        ),
        Wrong(
            {
                "x.mean(dim=-1, keepdim=True)": "x.mean(dim=-1, keepdim=True).detach()",
                "variance + eps": "variance.detach() + eps",
            },
            "Mean and variance were cut from the graph: their part of x's gradient is missing.",
        ),
    ],
)
