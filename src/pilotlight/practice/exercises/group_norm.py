"""Group normalization.

In a convolutional network a batch may be as small as one image, and batch normalization has then
little to average. Group normalization stays inside the image: the channels are cut into `groups`
groups of neighbours, and each group of each image has a mean and a variance of its own, over its
channels and all its pixels:

    out  =  (x - mean) / sqrt(variance + eps) * weight + bias

The variance is the mean of (x - mean)^2. Weight and bias belong to the channel, not to the group.
With one group this is layer normalization over the whole image, with as many groups as channels
instance normalization. Four channels in two groups: the first two belong together, and the last
two.
"""

import torch
from torch import Tensor


def group_norm(x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """`x` (batch, channels, height, width), `weight` and `bias` (channels).

    `groups` divides the number of channels. The result has the shape of `x`.
    """
    # --- solution ---
    parts = x.reshape(len(x), groups, -1)
    mean = parts.mean(dim=2, keepdim=True)
    variance = parts.var(dim=2, correction=0, keepdim=True)
    normal = ((parts - mean) / torch.sqrt(variance + eps)).reshape(x.shape)
    return normal * weight[:, None, None] + bias[:, None, None]
    # --- end ---


# --- checks ---
from typing import Any

from torch.nn import functional

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor

CHANNELS = 6
IMAGES = (2, CHANNELS, 4, 3)


def result(answer: Any, x: Tensor, groups: int, eps: float = 1e-5) -> Any:
    """What comes out, with a weight and a bias for each channel."""
    channels = x.shape[1]
    weight, bias = normal(channels, seed=8), normal(channels, seed=9)
    return {"result": answer.group_norm(x, groups, weight, bias, eps)}


def by_hand(answer: Any) -> Any:
    """One pixel, channels 1, 3, 10, 30, two groups: each becomes -1 and 1."""
    ones = torch.ones(4, dtype=torch.float64)
    x = tensor([1, 3, 10, 30]).reshape(1, 4, 1, 1)
    return {"result": answer.group_norm(x, 2, ones, 0 * ones, 0.0).flatten()}


def three_groups(answer: Any) -> Any:
    """Six channels in three groups, which differ in mean and spread."""
    return result(answer, images(), 3)


def images() -> Tensor:
    """Two images, the channels of which differ in mean and spread."""
    spread = torch.arange(1.0, CHANNELS + 1, dtype=torch.float64)[:, None, None]
    return normal(*IMAGES) * spread + spread**2


def one_group(answer: Any) -> Any:
    """One group is layer normalization over channels, height and width."""
    return result(answer, images(), 1)


def as_layer_norm() -> Any:
    """Torch's layer normalization of the same."""
    scale, shift = (normal(CHANNELS, seed=s)[:, None, None] for s in (8, 9))
    return {"result": functional.layer_norm(images(), IMAGES[1:]) * scale + shift}


def single_channels(answer: Any) -> Any:
    """As many groups as channels is instance normalization: each channel alone."""
    return result(answer, images(), CHANNELS)


def as_instance_norm() -> Any:
    """Torch's instance normalization of the same."""
    scale, shift = normal(CHANNELS, seed=8), normal(CHANNELS, seed=9)
    return {"result": functional.instance_norm(images(), weight=scale, bias=shift)}


def square(answer: Any) -> Any:
    """Weight and bias follow the channels, also where an image is as wide as it has channels."""
    return result(answer, 2 + normal(2, 4, 4, 4), 2)


def alone(answer: Any) -> Any:
    """An image's result does not depend on the rest of the batch, even where pixels are equal."""
    x = 1000 * normal(3, 4, 2, 2)
    x[0] = 5
    x[0, 0] += 0.01
    return {"result": result(answer, x, 2, eps=1e-3)["result"][0]}


def gradients(answer: Any) -> Any:
    """The gradient goes back through mean and variance, to x, weight and bias."""
    x, weight, bias = normal(2, 4, 2, 3), normal(4, seed=1), normal(4, seed=2)
    for t in (x, weight, bias):
        t.requires_grad_()
    (answer.group_norm(x, 2, weight, bias, 1e-5) * normal(2, 4, 2, 3, seed=3)).sum().backward()
    grads = {"weight's gradient": weight.grad, "bias's gradient": bias.grad}
    return {"x's gradient": x.grad} | grads


def by_chunks(x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Right as well: group after group."""
    done = []
    for part in x.chunk(groups, dim=1):
        away = part - part.mean(dim=(1, 2, 3), keepdim=True)
        done.append(away * ((away**2).mean(dim=(1, 2, 3), keepdim=True) + eps) ** -0.5)
    return torch.cat(done, dim=1) * weight.view(1, -1, 1, 1) + bias.view(1, -1, 1, 1)


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any sizes."""
    batch, groups, each, high, wide = torch.randint(1, 4, (5,), generator=generator).tolist()
    x = torch.randn(batch, groups * each, high, wide, generator=generator).double()
    weight, bias = torch.randn(2, groups * each, generator=generator).double()
    return {"result": answer.group_norm(x, groups, weight, bias, 0.1)}


PARTS = "x.reshape(len(x), groups, -1)"

exercise = Exercise(
    area="networks",
    needs=["layer-norm"],
    lab="normalization",
    minutes=15,
    hints=[
        "x.reshape(len(x), groups, -1) puts all that belongs to one group of one image into a row "
        "of its own.",
        "Mean and variance run over that last dimension; keepdim=True keeps the shapes in step. "
        "x.var divides by n - 1 unless correction=0 is given.",
        "Back to the shape of x before weight and bias come in. weight[:, None, None] is "
        "(channels, 1, 1), so it meets the channels and not the columns.",
    ],
    tasks={
        "The groups": [
            Check(by_hand, lambda: {"result": tensor([-1, 1, -1, 1])}),
            three_groups,
            Check(one_group, as_layer_norm),
            Check(single_channels, as_instance_norm),
        ],
        "Channels and images": [square, alone],
        "Backward": [gradients],
    },
    oracle={"group_norm": functional.group_norm},
    alternative={"group_norm": by_chunks},
    sample=at_random,
    wrong=[
        Wrong(
            {
                PARTS: "x.unflatten(1, (-1, groups)).transpose(1, 2).flatten(2)",
                "+ eps)).reshape(x.shape)": "+ eps)).reshape(len(x), groups, -1, *x.shape[2:])"
                ".transpose(1, 2).reshape(x.shape)",
            },
            "Every groups-th channel was put together. Neighbours belong together: the first "
            "channels / groups of them are the first group.",
        ),
        Wrong(
            {PARTS: "x.reshape(len(x), x.shape[1] // groups, -1)"},
            "`groups` was taken for the number of channels in a group: it is the number of groups.",
        ),
        Wrong(
            {PARTS: "x.reshape(len(x), 1, -1)"},
            "All channels are one group. That is layer normalization: `groups` is not used.",
        ),
        Wrong(
            {PARTS: "x.reshape(len(x), x.shape[1], -1)"},
            "Each channel is normalized alone. That is instance normalization: `groups` is not "
            "used.",
        ),
        Wrong(
            {"mean(dim=2": "mean(dim=(0, 2)", "var(dim=2": "var(dim=(0, 2)"},
            "Mean and variance run over the batch too: an image's result depends on the others in "
            "the batch.",
        ),
        Wrong(
            {PARTS: "x.unflatten(1, (groups, -1))"},
            "Mean and variance run over the channels of a group only, at each pixel alone: they "
            "run over its pixels as well.",
        ),
        Wrong(
            {
                "weight[:, None, None]": "weight",
                "+ bias[:, None, None]": "+ bias",
            },
            "Weight and bias meet the columns of the image, its last dimension: they belong to "
            "the channels, so give them the shape (channels, 1, 1).",
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
            {
                "keepdim=True)\nvariance": "keepdim=True).detach()\nvariance",
                "variance + eps": "variance.detach() + eps",
            },
            "Mean and variance were cut from the graph: their part of x's gradient is missing.",
        ),
    ],
)
