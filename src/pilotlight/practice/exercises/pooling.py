"""Max pooling and average pooling.

Pooling makes an image smaller: it is cut into windows of `size` by `size` pixels, side by side, and
each window becomes one number, its largest or its mean. So what was found is kept, while where it
was found gets less exact, and the layers above have less to compute.

    max_pool[i, j]      =  the largest of window (i, j)
    average_pool[i, j]  =  the mean of window (i, j)

Window (i, j) begins at row i * size and column j * size. Rows and columns at the lower and right
edge that fill no window are left out. Every channel of every image is pooled alone. Write `windows`
first, with one reshape or with loops; the other two are then short.
"""

import torch
from torch import Tensor


def windows(images: Tensor, size: int) -> Tensor:
    """`images` (batch, channels, height, width).

    Returns (batch, channels, height // size, width // size, size, size): the last two dimensions
    are the window.
    """
    # --- solution ---
    rows, columns = images.shape[2] // size, images.shape[3] // size
    images = images[:, :, : rows * size, : columns * size]
    parts = images.reshape(*images.shape[:2], rows, size, columns, size)
    return parts.transpose(3, 4)
    # --- end ---


def max_pool(images: Tensor, size: int) -> Tensor:
    """Returns (batch, channels, height // size, width // size)."""
    # --- solution ---
    return windows(images, size).amax(dim=(-2, -1))
    # --- end ---


def average_pool(images: Tensor, size: int) -> Tensor:
    """Returns (batch, channels, height // size, width // size)."""
    # --- solution ---
    return windows(images, size).mean(dim=(-2, -1))
    # --- end ---


# --- checks ---
from typing import Any

from torch.nn import functional

from pilotlight.practice.exercise import Check, Exercise, Wrong
from pilotlight.practice.inputs import normal, tensor


def both(answer: Any, images: Tensor, size: int) -> Any:
    """What both kinds of pooling give."""
    return {"max": answer.max_pool(images, size), "average": answer.average_pool(images, size)}


def window_by_hand(answer: Any) -> Any:
    """Of an image numbered from 0 to 23 the windows of two by two are squares of neighbours."""
    image = torch.arange(24.0, dtype=torch.float64).reshape(1, 1, 4, 6)
    made = answer.windows(image, 2)
    return {"shape": list(made.shape), "window (0, 0)": made[0, 0, 0, 0].flatten()} | {
        "window (1, 2)": made[0, 0, 1, 2].flatten()
    }


def window_values() -> Any:
    """First row 0 to 5, second row 6 to 11, and so on."""
    first, last = tensor([0, 1, 6, 7]), tensor([16, 17, 22, 23])
    return {"shape": [1, 1, 2, 3, 2, 2], "window (0, 0)": first, "window (1, 2)": last}


def all_windows(answer: Any) -> Any:
    """Every window of every channel of every image is in its place."""
    return {"windows": answer.windows(normal(2, 3, 6, 9), 3)}


def left_over(answer: Any) -> Any:
    """Rows and columns that fill no window are left out, at the lower and right edge."""
    return {"windows": answer.windows(normal(1, 1, 5, 7), 3)}


def by_hand(answer: Any) -> Any:
    """Four numbers become one: the largest, or the mean."""
    return both(answer, tensor([[1, 2, 5, 8], [3, 6, 1, 2]])[None, None], 2)


def four_numbers() -> Any:
    """1, 2, 3, 6 and 5, 8, 1, 2."""
    return {"max": tensor([[6, 8]])[None, None], "average": tensor([[3, 4]])[None, None]}


def negative(answer: Any) -> Any:
    """Among negative numbers the largest is the one next to 0, and not 0."""
    return both(answer, -1 - normal(1, 1, 5, 5).abs(), 2)


def channels(answer: Any) -> Any:
    """Channels and images are not mixed."""
    return both(answer, 10 * normal(2, 3, 4, 9), 2)


def size_one(answer: Any) -> Any:
    """Windows of one pixel change nothing."""
    return both(answer, normal(1, 2, 2, 3), 1)


def gradients(answer: Any) -> Any:
    """Through max the gradient goes to the largest alone, through the mean to all alike."""
    grads = {}
    for name, pool in (("max", answer.max_pool), ("average", answer.average_pool)):
        images = normal(1, 2, 5, 4).requires_grad_()
        (pool(images, 2) * normal(1, 2, 2, 2, seed=1)).sum().backward()
        grads[name] = images.grad
    return grads


def by_views(images: Tensor, size: int) -> Tensor:
    """Torch's own views of the windows."""
    return images.unfold(2, size, size).unfold(3, size, size)


def by_loops(images: Tensor, size: int) -> Tensor:
    """Right as well: window by window."""
    tops, lefts = (range(0, side - size + 1, size) for side in images.shape[2:])
    rows = [
        torch.stack([images[:, :, t : t + size, s : s + size] for s in lefts], dim=2) for t in tops
    ]
    return torch.stack(rows, dim=2)


def max_by_columns(images: Tensor, size: int) -> Tensor:
    """Right as well: first the largest of each row of a window, then the largest of these."""
    return by_loops(images, size).max(dim=-1).values.max(dim=-1).values


def mean_by_sum(images: Tensor, size: int) -> Tensor:
    """Right as well: the sum, divided by the number of pixels."""
    return by_loops(images, size).flatten(-2).sum(-1) / size**2


def at_random(answer: Any, generator: torch.Generator) -> Any:
    """Any sizes."""
    batch, channels, size, rows, columns = torch.randint(1, 4, (5,), generator=generator).tolist()
    more = torch.randint(size, (2,), generator=generator).tolist()
    shape = (batch, channels, rows * size + more[0], columns * size + more[1])
    images = torch.randn(shape, generator=generator).double()
    return both(answer, images, size) | {"windows": answer.windows(images, size)}


CUT = "images = images[:, :, : rows * size, : columns * size]"
PADDED = """high, wide = -images.shape[2] % size, -images.shape[3] % size
images = torch.nn.functional.pad(images, (0, wide, 0, high))
rows, columns = images.shape[2] // size, images.shape[3] // size"""

exercise = Exercise(
    area="convolution",
    needs=["convolution"],
    minutes=20,
    hints=[
        "How many whole windows fit? Cut the image to rows * size by columns * size first.",
        "reshape(batch, channels, rows, size, columns, size) splits the height into rows of "
        "windows and rows in a window, and the width likewise. The numbers stay in their order.",
        "Then the two dimensions of the window stand at 3 and 5. transpose(3, 4) brings them "
        "together at the end.",
        "Largest and mean run over two dimensions at once: dim=(-2, -1). amax takes two, max only "
        "one.",
    ],
    tasks={
        "The windows": [Check(window_by_hand, window_values), all_windows, left_over],
        "Pooling": [Check(by_hand, four_numbers), negative, channels, size_one],
        "Backward": [gradients],
    },
    oracle={
        "windows": by_views,
        "max_pool": functional.max_pool2d,
        "average_pool": functional.avg_pool2d,
    },
    alternative={
        "windows": by_loops,
        "max_pool": max_by_columns,
        "average_pool": mean_by_sum,
    },
    sample=at_random,
    wrong=[
        Wrong(
            {
                "rows, size, columns, size)": "rows, columns, size, size)",
                "parts.transpose(3, 4)": "parts",
            },
            "The image was reshaped straight into windows: reshape keeps the numbers in their "
            "order, so a window gets a piece of a row and not a square. Split height and width "
            "first.",
        ),
        Wrong(
            {
                "rows, size, columns, size)": "size, rows, size, columns)",
                "parts.transpose(3, 4)": "parts.permute(0, 1, 3, 5, 2, 4)",
            },
            "Windows and what is in them are the wrong way round: a window gets every rows-th "
            "row, from all over the image. The height splits into rows, then size.",
        ),
        Wrong(
            {"parts.transpose(3, 4)": "parts"},
            "The dimensions were left in the order rows, size, columns, size: the two of the "
            "window stand last.",
        ),
        Wrong(
            {CUT: "images = images"},
            "What fills no window was not cut off: reshape fails where size does not divide height "
            "and width.",
        ),
        Wrong(
            {CUT: "images = images[:, :, -rows * size :, -columns * size :]"},
            "The first rows and columns were left out. Windows begin at the upper left corner, "
            "and what is left over is at the other edges.",
        ),
        Wrong(
            {CUT: PADDED},
            "Zeros were added to fill the last windows: they pull the mean towards 0, and among "
            "negative numbers 0 is the largest. What fills no window is left out.",
        ),
        Wrong(
            {"amax(dim=(-2, -1))": "amax(dim=(-2, -1)).clamp(min=0)"},
            "The search for the largest began at 0: where all numbers are negative, 0 comes out, "
            "which is not among them.",
        ),
        Wrong(
            {"amax(dim=(-2, -1))": "amax(dim=-1)"},
            "The largest of each row of a window was taken, not of the window: run over both of "
            "its dimensions.",
        ),
        Wrong(
            {"mean(dim=(-2, -1))": "sum(dim=(-2, -1))"},
            "The pixels were added, not averaged: the numbers grow with the size of the window.",
        ),
        Wrong(
            {"mean(dim=(-2, -1))": "sum(dim=(-2, -1)) / size"},
            "The sum was divided by `size`: a window has size * size pixels.",
        ),
    ],
)
