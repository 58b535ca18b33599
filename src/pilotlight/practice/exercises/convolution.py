"""A convolution, by loops.

A convolutional layer lays a small kernel on the image, multiplies what lies on top of one another,
adds it all up, and moves on by `stride`. The kernel is not turned round (in mathematics this is a
cross-correlation) and stays inside the image:

    out[i, j]  =  sum over a, b of  image[i * stride + a, j * stride + b] * kernel[a, b]

so that out has (height - kernel height) // stride + 1 rows, and columns likewise. Two loops over
i and j are fine. Autograd must be able to go back through it, to image and kernel.
"""

import torch
from torch import Tensor


def convolve(image: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """`image` (height, width) and `kernel`, both of two dimensions, in any proportion."""
    # --- solution ---
    high, wide = kernel.shape
    rows = (image.shape[0] - high) // stride + 1
    columns = (image.shape[1] - wide) // stride + 1
    out = torch.zeros(rows, columns, dtype=image.dtype, device=image.device)
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            patch = image[top : top + high, left : left + wide]
            out[i, j] = (patch * kernel).sum()
    return out
    # --- end ---


# --- checks ---
from typing import Any

from torch.nn import functional

from pilotlight.practice.exercise import Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor


def by_hand(answer: Any) -> Any:
    """Three by three, two by two, stride 1: four sums that can be done by hand."""
    image, kernel = tensor([[1, 2, 0], [0, 1, 3], [4, 0, 1]]), tensor([[1, 0], [0, 2]])
    return {"result": answer.convolve(image, kernel, 1)}


def one_point(answer: Any) -> Any:
    """A single bright point shows the kernel, turned by half a turn."""
    image = torch.zeros(3, 5, dtype=torch.float64)
    image[1, 2] = 1
    return {"result": answer.convolve(image, tensor([[1, 2, 3], [4, 5, 6]]), 1)}


def proportions(answer: Any) -> Any:
    """Image and kernel need not be square."""
    return {"result": answer.convolve(normal(4, 7), normal(3, 2, seed=1), 1)}


def strides(answer: Any) -> Any:
    """The kernel moves by the stride, and never over the edge."""
    return {"result": answer.convolve(normal(6, 9), normal(3, 2, seed=1), 2)}


def whole_image(answer: Any) -> Any:
    """A kernel as large as the image fits once."""
    return {"result": answer.convolve(normal(3, 4), normal(3, 4, seed=1), 3)}


def gradients(answer: Any) -> Any:
    """The gradient goes back to the image and to the kernel."""
    image, kernel = normal(4, 5).requires_grad_(), normal(2, 3, seed=1).requires_grad_()
    out = answer.convolve(image, kernel, 2)
    (out * normal(2, 2, seed=2)).sum().backward()
    return {"image's gradient": image.grad, "kernel's gradient": kernel.grad}


def torch_convolution(image: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """The same by torch."""
    return functional.conv2d(image[None, None], kernel[None, None], stride=stride)[0, 0]


def by_unfold(image: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """Right as well: all patches at once, then one product."""
    high, wide = kernel.shape
    patches = image.unfold(0, high, stride).unfold(1, wide, stride)
    return torch.einsum("ijab,ab->ij", patches, kernel)


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any proportions and stride."""
    sizes = torch.randint(1, 4, (5,), generator=generator).tolist()
    high, wide, more_high, more_wide, stride = sizes
    image = torch.randn(high + more_high, wide + more_wide, generator=generator).double()
    kernel = torch.randn(high, wide, generator=generator).double()
    return {"result": answer.convolve(image, kernel, stride)}


PADDED = "image = torch.nn.functional.pad(image, (1, 1, 1, 1))"

exercise = Exercise(
    area="convolution",
    needs=[],
    minutes=20,
    hints=[
        "How many times does the kernel fit? A kernel of 3 in an image of 7 has 5 places at "
        "stride 1 and 3 at stride 2.",
        "image[top : top + high, left : left + wide] is what lies under the kernel.",
        "Make `out` with torch.zeros and the dtype of the image, and write each sum into "
        "out[i, j]. The sum stays a tensor: .item() would cut the graph.",
    ],
    tasks={
        "Stride 1": [by_hand, one_point, proportions],
        "Any stride": [strides, whole_image],
        "Backward": [gradients],
    },
    oracle={"convolve": torch_convolution},
    alternative={"convolve": by_unfold},
    sample=at_random,
    wrong=[
        Wrong(
            {"(patch * kernel)": "(patch * kernel.flip(0, 1))"},
            "The kernel was turned round. That is the convolution of mathematics; layers of "
            "networks do not turn it.",
        ),
        Wrong(
            {"high) // stride + 1": "high) // stride", "wide) // stride + 1": "wide) // stride"},
            "The last row and the last column are missing: the kernel fits once more than there "
            "are steps between its places, so add 1.",
        ),
        Wrong(
            {"top, left = i * stride, j * stride": "top, left = i, j"},
            "The stride counts in the size of the result only: the kernel itself moves by 1. It "
            "starts at i * stride.",
        ),
        Wrong(
            {
                "(image.shape[0] - high) // stride + 1": "image.shape[0] - high + 1",
                "(image.shape[1] - wide) // stride + 1": "image.shape[1] - wide + 1",
                "top, left = i * stride, j * stride": "top, left = i, j",
            },
            "The stride is not used at all: the kernel moves by 1, and the result is too large.",
        ),
        Wrong(
            {"high, wide = kernel.shape": "wide, high = kernel.shape"},
            "The kernel's height and width are swapped: shape gives the rows first.",
        ),
        Wrong(
            {".sum()": ".mean()"},
            "The products are averaged, not added: the result depends on the kernel's size.",
        ),
        Wrong(
            {"(patch * kernel).sum()": "(patch @ kernel.T).sum()"},
            "Patch and kernel were multiplied as matrices. Here number meets number: patch * "
            "kernel.",
        ),
        Wrong(
            {".sum()": ".sum().item()"},
            "The sums were cut from the graph by item(): neither image nor kernel gets a gradient.",
        ),
        Wrong(
            {"dtype=image.dtype, ": ""},
            "The result is made in float32, whatever the image has: torch.zeros needs the image's "
            "dtype.",
        ),
        Wrong(
            {"high, wide = kernel.shape": f"high, wide = kernel.shape\n{PADDED}"},
            "Zeros were put around the image. Here the kernel stays inside it.",
        ),
    ],
)
