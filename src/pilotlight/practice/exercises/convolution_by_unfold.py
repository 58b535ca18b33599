"""A convolution as one matrix product.

Loops over pixels are slow; matrix products are what computers do best. So convolutions are often
computed like this: every patch under the kernel is laid out as a column, every kernel as a row, and
one product gives all places of all kernels at once.

    patches  (batch, channels * high * wide, places)      from functional.unfold
    kernels  (kernels, channels * high * wide)
    out      =  kernels @ patches + bias                  (batch, kernels, places)

In a column the channel comes first, then the row, then the column of the patch, as in a kernel.
The places run row by row; there are (height + 2 * padding - high) // stride + 1 rows, and columns
likewise. `padding` zeros stand around the image on all four sides.
"""

from torch import Tensor
from torch.nn import functional


def convolve(images: Tensor, kernels: Tensor, bias: Tensor, stride: int, padding: int) -> Tensor:
    """`images` (batch, channels, height, width), `kernels` (kernels, channels, high, wide),
    `bias` (kernels). Returns (batch, kernels, rows, columns).
    """
    # --- solution ---
    high, wide = kernels.shape[2:]
    rows = (images.shape[2] + 2 * padding - high) // stride + 1
    columns = (images.shape[3] + 2 * padding - wide) // stride + 1
    patches = functional.unfold(images, (high, wide), padding=padding, stride=stride)
    out = kernels.flatten(1) @ patches + bias[:, None]
    return out.reshape(len(images), len(kernels), rows, columns)
    # --- end ---


# --- checks ---
from typing import Any

import torch

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor


def result(
    answer: Any,
    images: tuple[int, ...],
    kernels: tuple[int, ...],
    stride: int = 1,
    padding: int = 0,
) -> Any:
    """What comes out of images and kernels of these shapes."""
    numbers = normal(*images), normal(*kernels, seed=1), normal(kernels[0], seed=2)
    return {"result": answer.convolve(*numbers, stride, padding)}


def by_hand(answer: Any) -> Any:
    """One image, one channel, one kernel of two by two: four sums that can be done by hand."""
    image = tensor([[1, 2, 0], [0, 1, 3], [4, 0, 1]]).reshape(1, 1, 3, 3)
    kernel = tensor([[1, 0], [0, 2]]).reshape(1, 1, 2, 2)
    return {"result": answer.convolve(image, kernel, tensor([10]), 1, 0)}


def channels(answer: Any) -> Any:
    """The channels of an image are added up, each with its own part of the kernel."""
    return result(answer, (1, 3, 4, 4), (1, 3, 2, 2))


def kernels(answer: Any) -> Any:
    """Each kernel gives an image of its own, with its own bias, for each image of the batch."""
    return result(answer, (2, 3, 4, 4), (5, 3, 2, 2))


def proportions(answer: Any) -> Any:
    """Images and kernels need not be square."""
    return result(answer, (2, 2, 4, 7), (3, 2, 3, 2))


def strides(answer: Any) -> Any:
    """The kernels move by the stride, and never over the edge."""
    return result(answer, (2, 2, 6, 9), (3, 2, 3, 2), stride=2)


def edges(answer: Any) -> Any:
    """With padding the kernels reach over all four edges, where they find zeros."""
    return result(answer, (2, 2, 3, 4), (3, 2, 3, 3), padding=1)


def together(answer: Any) -> Any:
    """Stride and padding at once."""
    return result(answer, (1, 2, 5, 8), (3, 2, 3, 2), stride=3, padding=2)


def gradients(answer: Any) -> Any:
    """The gradient goes back to images, kernels and bias."""
    inputs = [normal(2, 2, 4, 5), normal(3, 2, 2, 3, seed=1), normal(3, seed=2)]
    for t in inputs:
        t.requires_grad_()
    out = answer.convolve(*inputs, 2, 1)
    (out * normal(2, 3, 3, 3, seed=3)).sum().backward()
    names = ("images' gradient", "kernels' gradient", "bias's gradient")
    return {name: t.grad for name, t in zip(names, inputs, strict=True)}


def sums() -> Any:
    """The diagonal of each patch, its second number twice, and 10."""
    return {"result": tensor([[13, 18], [10, 13]]).reshape(1, 1, 2, 2)}


def by_views(images: Tensor, kernels: Tensor, bias: Tensor, stride: int, padding: int) -> Tensor:
    """Right as well: views of the patches, and one sum over three letters."""
    images = functional.pad(images, [padding] * 4)
    patches = images.unfold(2, kernels.shape[2], stride).unfold(3, kernels.shape[3], stride)
    return torch.einsum("bcijhw,kchw->bkij", patches, kernels) + bias.view(1, -1, 1, 1)


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any sizes, stride and padding."""
    sizes = torch.randint(1, 4, (8,), generator=generator).tolist()
    batch, channels, count, high, wide, more_high, more_wide, stride = sizes
    padding = int(torch.randint(3, (1,), generator=generator))
    return result(
        answer,
        (batch, channels, high + more_high, wide + more_wide),
        (count, channels, high, wide),
        stride,
        padding,
    )


PRODUCT = "kernels.flatten(1) @ patches + bias[:, None]"

exercise = Exercise(
    area="convolution",
    needs=["convolution"],
    lab="weight-sharing",
    minutes=20,
    hints=[
        "functional.unfold(images, (high, wide), padding=..., stride=...) gives the patches, one "
        "in each column.",
        "kernels.flatten(1) makes a row of each kernel, in the same order as the columns. The "
        "product of (kernels, n) and (batch, n, places) is (batch, kernels, places).",
        "bias[:, None] has the shape (kernels, 1): it meets the kernels and not the places.",
        "What is left is to make an image of the places: reshape to (batch, kernels, rows, "
        "columns).",
    ],
    tasks={
        "Stride 1": [Check(by_hand, sums), channels, kernels, proportions],
        "Stride and padding": [strides, edges, together],
        "Backward": [gradients],
    },
    oracle={"convolve": functional.conv2d},
    alternative={"convolve": by_views},
    sample=at_random,
    wrong=[
        Wrong(
            {PRODUCT: "patches.transpose(1, 2) @ kernels.flatten(1).T + bias"},
            "The product is (batch, places, kernels), and reshape reads it as (batch, kernels, "
            "places): the numbers are scrambled. Put the kernels on the left, or transpose back.",
        ),
        Wrong(
            {"kernels.flatten(1)": "kernels.permute(0, 2, 3, 1).flatten(1)"},
            "The kernels were laid out with the channel last. In the columns of unfold it comes "
            "first: other numbers meet.",
        ),
        Wrong(
            {"kernels.flatten(1)": "kernels.flip(2, 3).flatten(1)"},
            "The kernels were turned round. That is the convolution of mathematics; layers of "
            "networks do not turn them.",
        ),
        Wrong(
            {"kernels.flatten(1)": "kernels.transpose(2, 3).flatten(1)"},
            "Rows and columns of the kernels are swapped: unfold goes row by row, as flatten does.",
        ),
        Wrong(
            {"rows, columns)": "columns, rows)"},
            "Rows and columns of the result are swapped: an image that is not square comes out "
            "scrambled.",
        ),
        Wrong(
            {"+ bias[:, None]": ""},
            "The bias is missing: each kernel has one, added at all its places.",
        ),
        Wrong(
            {
                ", padding=padding, stride=stride": ", stride=stride",
                "shape[2] + 2 * padding": "shape[2]",
                "shape[3] + 2 * padding": "shape[3]",
            },
            "The padding is not used: the kernels stay inside the image, and the result is too "
            "small.",
        ),
        Wrong(
            {
                "shape[2] + 2 * padding": "shape[2] + padding",
                "shape[3] + 2 * padding": "shape[3] + padding",
            },
            "The padding was counted once. It stands on both sides, so the image grows by twice as "
            "much.",
        ),
        Wrong(
            {
                ", padding=padding, stride=stride": ", padding=padding",
                "high) // stride": "high)",
                "wide) // stride": "wide)",
            },
            "The stride is not used: the kernels move by 1, and the result is too large.",
        ),
        Wrong(
            {"high) // stride + 1": "high) // stride", "wide) // stride + 1": "wide) // stride"},
            "One row and one column are missing: the kernel fits once more than there are steps "
            "between its places, so add 1.",
        ),
        Wrong(
            {"functional.unfold(images, ": "functional.unfold(images.detach(), "},
            "The images were cut from the graph: no layer below this one would learn.",
        ),
    ],
)
