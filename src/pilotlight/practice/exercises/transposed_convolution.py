"""A transposed convolution, by stamping.

A convolution with stride 2 makes an image smaller. The way back up, in a network that draws or
segments, is the transposed convolution: each pixel stamps the whole kernel onto the result, times
its own value, and stamps that overlap are added.

    out  =  sum over i, j of  image[i, j] * kernel, laid with its upper left corner
            at row i * stride, column j * stride

The result is just large enough for the last stamp: (height - 1) * stride + kernel height rows, and
columns likewise. It does not undo the convolution. It is its transpose: a convolution is a matrix
A, and this is A^T, the very step by which a gradient goes back through a convolution. So for all x
and y, the sum of convolve(x) * y equals the sum of x * transposed(y). Two loops are fine.
"""

import torch
from torch import Tensor


def transposed(image: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """`image` (height, width) and `kernel`, both of two dimensions, in any proportion."""
    # --- solution ---
    high, wide = kernel.shape
    rows = (image.shape[0] - 1) * stride + high
    columns = (image.shape[1] - 1) * stride + wide
    out = torch.zeros(rows, columns, dtype=image.dtype, device=image.device)
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            top, left = i * stride, j * stride
            out[top : top + high, left : left + wide] += image[i, j] * kernel
    return out
    # --- end ---


# --- checks ---
from typing import Any

from torch.nn import functional

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor


def one_point(answer: Any) -> Any:
    """A single pixel stamps the kernel as it is, times its value."""
    image = torch.zeros(2, 3, dtype=torch.float64)
    image[1, 1] = 10
    return {"result": answer.transposed(image, tensor([[1, 2, 3], [4, 5, 6]]), 1)}


def the_stamp() -> Any:
    """The kernel, one row down and one column to the right."""
    out = torch.zeros(3, 5, dtype=torch.float64)
    out[1:, 1:4] = tensor([[10, 20, 30], [40, 50, 60]])
    return {"result": out}


def overlap(answer: Any) -> Any:
    """Where stamps overlap they are added: ones on ones count how many there are."""
    ones = torch.ones(2, 3, dtype=torch.float64)
    return {"result": answer.transposed(ones, torch.ones(3, 3, dtype=torch.float64), 2)}


def counts() -> Any:
    """In one direction stamps of three, two apart: 1, 1, 2, 1, 1; in two directions the product."""
    down, across = tensor([1, 1, 2, 1, 1]), tensor([1, 1, 2, 1, 2, 1, 1])
    return {"result": down[:, None] * across}


def proportions(answer: Any) -> Any:
    """Image and kernel need not be square."""
    return {"result": answer.transposed(normal(3, 5), normal(4, 2, seed=1), 1)}


def apart(answer: Any) -> Any:
    """A stride wider than the kernel leaves zeros between the stamps."""
    return {"result": answer.transposed(normal(3, 2), normal(2, 1, seed=1), 3)}


def adjoint(answer: Any) -> Any:
    """The sum of x * transposed(y) is that of convolve(x) * y, at strides 1, 2 and 3."""
    return {f"stride {s}": (x * answer.transposed(y, k, s)).sum() for s, x, y, k in triples()}


def forward() -> Any:
    """The same sums by torch's convolution."""

    def sum_of(s: int, x: Tensor, y: Tensor, k: Tensor) -> Tensor:
        return (functional.conv2d(x[None, None], k[None, None], stride=s)[0, 0] * y).sum()

    return {f"stride {triple[0]}": sum_of(*triple) for triple in triples()}


def triples() -> Any:
    """Stride, x, y and kernel that fit one another."""
    for stride, shape in ((1, (6, 8)), (2, (9, 13)), (3, (12, 18))):
        yield stride, normal(*shape), normal(4, 6, seed=1), normal(3, 3, seed=2)


def gradients(answer: Any) -> Any:
    """The gradient goes back to the image and to the kernel."""
    image, kernel = normal(2, 3).requires_grad_(), normal(3, 2, seed=1).requires_grad_()
    (answer.transposed(image, kernel, 2) * normal(5, 6, seed=2)).sum().backward()
    return {"image's gradient": image.grad, "kernel's gradient": kernel.grad}


def torch_transposed(image: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """The same by torch."""
    return functional.conv_transpose2d(image[None, None], kernel[None, None], stride=stride)[0, 0]


def by_zeros(image: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """Right as well: zeros between the pixels and around them, then the turned kernel over it."""
    (rows, columns), (high, wide) = image.shape, kernel.shape
    apart = image.new_zeros((rows - 1) * stride + 1, (columns - 1) * stride + 1)
    apart[::stride, ::stride] = image
    padded = functional.pad(apart, (wide - 1, wide - 1, high - 1, high - 1))
    patches = padded.unfold(0, high, 1).unfold(1, wide, 1)
    return torch.einsum("ijab,ab->ij", patches, kernel.flip(0, 1))


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any proportions and stride."""
    sizes = torch.randint(1, 5, (5,), generator=generator).tolist()
    image = torch.randn(sizes[:2], generator=generator).double()
    kernel = torch.randn(sizes[2:4], generator=generator).double()
    return {"result": answer.transposed(image, kernel, sizes[4])}


STAMP = "out[top : top + high, left : left + wide]"

exercise = Exercise(
    area="convolution",
    needs=["convolution"],
    minutes=15,
    hints=[
        "Go through the pixels of the image, not of the result: each writes where its stamp lies.",
        "Two stamps of width 3 that are 2 apart cover 2 + 3 columns. And n stamps?",
        "image[i, j] * kernel is the stamp. Add it onto its place with +=, since another stamp may "
        "have been there before.",
    ],
    tasks={
        "Stamps": [Check(one_point, the_stamp), Check(overlap, counts), proportions, apart],
        "The transpose": [Check(adjoint, forward)],
        "Backward": [gradients],
    },
    oracle={"transposed": torch_transposed},
    alternative={"transposed": by_zeros},
    sample=at_random,
    wrong=[
        Wrong(
            {"+= image": "= image"},
            "A stamp wipes out what lay there: where stamps overlap they are added, +=.",
        ),
        Wrong(
            {"image[i, j] * kernel": "image[i, j] * kernel.flip(0, 1)"},
            "The kernel was turned round: a pixel stamps it as it is. It is turned only if the "
            "same is computed as a convolution of the spread image.",
        ),
        Wrong(
            {"image[i, j] * kernel": "image[i, j] * kernel.T.reshape(high, wide)"},
            "The kernel was turned on its diagonal. What is transposed is the matrix of the whole "
            "convolution, not the kernel.",
        ),
        Wrong(
            {"top, left = i * stride, j * stride": "top, left = i, j"},
            "The stride counts in the size of the result only: the stamps are 1 apart. They start "
            "at i * stride.",
        ),
        Wrong(
            {
                "(image.shape[0] - 1) * stride + high": "image.shape[0] - 1 + high",
                "(image.shape[1] - 1) * stride + wide": "image.shape[1] - 1 + wide",
                "top, left = i * stride, j * stride": "top, left = i, j",
            },
            "The stride is not used at all: the stamps are 1 apart, and the result is too small.",
        ),
        Wrong(
            {
                "(image.shape[0] - 1) * stride + high": "image.shape[0] * stride + high - 1",
                "(image.shape[1] - 1) * stride + wide": "image.shape[1] * stride + wide - 1",
            },
            "Rows and columns of zeros are too much at the end: n stamps have n - 1 steps between "
            "them.",
        ),
        Wrong(
            {
                "(image.shape[0] - 1) * stride + high": "image.shape[0] * stride",
                "(image.shape[1] - 1) * stride + wide": "image.shape[1] * stride",
                f"{STAMP} += ": f"spot = {STAMP}\nspot += ",
                "* kernel": "* kernel[: spot.shape[0], : spot.shape[1]]",
            },
            "The result was made stride times as large, and the last stamps were cut off: it is "
            "(n - 1) * stride + kernel size.",
        ),
        Wrong(
            {
                "out = torch.zeros(": "count = torch.zeros(rows, columns)\nout = torch.zeros(",
                "* kernel": f"* kernel\ncount{STAMP[3:]} += 1",
                "return out": "return out / count.clamp(min=1)",
            },
            "Where stamps overlap they were averaged: they are added, which is also why such "
            "networks tend to draw chequered patterns.",
        ),
        Wrong(
            {"high, wide = kernel.shape": "wide, high = kernel.shape"},
            "The kernel's height and width are swapped: shape gives the rows first.",
        ),
        Wrong(
            {"+= image[i, j] * kernel": "+= image[i, j].item() * kernel"},
            "The pixels were cut from the graph by item(): the image gets no gradient.",
        ),
        Wrong(
            {"dtype=image.dtype, ": ""},
            "The result is made in float32, whatever the image has: torch.zeros needs the image's "
            "dtype.",
        ),
    ],
)
