"""Shapes: small pictures of squares, ellipses and triangles, drawn in code from known factors.

In the manner of dSprites (Matthey et al. 2017): what is in a picture is known, so one can ask of a
network's code what it has kept and what it has let go.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from pilotlight.data.table import Data

SIDE = 16
"""Pixels along the side of a picture."""
NAMES = ("square", "ellipse", "triangle")
FACTORS = ("shape", "right", "down", "size", "turn", "number")
"""What the columns of the targets are; the first is a place in NAMES, the last counts rows."""
TESTS = 400
"""Pictures that test."""
FAR = 1.0
"""Furthest that a shape lies from the middle, in pixels, right or left, up or down."""
SMALLEST, LARGEST = 2.7, 3.3
"""Size of a shape: the radius, in pixels, of a disc of its area."""


def shapes(settings: Any, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """`images` pictures to train on, then 400 to test; all factors uniform and independent.

    Returns:
        Inputs [images + 400, 1, 16, 16], pixels from 0 to 1; targets [images + 400, 6], see
        FACTORS: places from the middle and size in pixels, turn in radians from 0 to 2 pi.
    """
    count = settings.images + TESTS
    drawn = torch.rand(count, 5, generator=generator)
    targets = torch.stack(
        [
            (drawn[:, 0] * len(NAMES)).floor(),
            *((2 * drawn[:, 1:3] - 1) * FAR).T,
            SMALLEST + (LARGEST - SMALLEST) * drawn[:, 3],
            2 * math.pi * drawn[:, 4],
            torch.arange(count),
        ],
        1,
    )
    return paint(targets), targets


def pretrain_train_test(
    targets: Tensor, settings: Any, generator: torch.Generator
) -> dict[str, Tensor]:
    """The split rule of `shapes`: the first `images` rows train, the others test.

    "pretrain" has as many rows as "train", but only the first `exemplars` of them, again and again.
    """
    rows = torch.arange(len(targets))
    train, test = rows[: settings.images], rows[settings.images :]
    return {"pretrain": train % settings.exemplars, "train": train, "test": test}


def paint(targets: Tensor) -> Tensor:
    """Pictures [B, 1, 16, 16] of these factors [B, 5 or more]; edges are one pixel soft.

    All three shapes have the same area, so that brightness does not tell them apart.
    """
    shape, right, down, size, turn = (targets[:, i, None, None] for i in range(5))
    place = torch.arange(SIDE, dtype=targets.dtype) - (SIDE - 1) / 2
    x, y = (place - right) / size, (place[:, None] - down) / size
    x, y = turn.cos() * x + turn.sin() * y, turn.cos() * y - turn.sin() * x
    beyond = torch.stack([square(x, y), ellipse(x, y), triangle(x, y)])
    which = shape.long().expand(-1, SIDE, SIDE)
    return (0.5 - size * beyond.gather(0, which[None])[0]).clamp(0, 1)[:, None]


def square(x: Tensor, y: Tensor) -> Tensor:
    """How far beyond the nearest edge a point lies; below 0 inside. Area pi, as all three."""
    return torch.maximum(x.abs(), y.abs()) - math.sqrt(math.pi) / 2


def ellipse(x: Tensor, y: Tensor) -> Tensor:
    """Twice as long as wide; the distance to its edge to first order, half the value at the middle.

    That is (q - 1) / slope of q, where q is 1 on the edge.
    """
    q = (x**2 / 2 + y**2 * 2).clamp(min=1e-6).sqrt()
    slope = (x**2 / 4 + y**2 * 4).clamp(min=1e-6).sqrt() / q
    return (q - 1) / slope


def triangle(x: Tensor, y: Tensor) -> Tensor:
    """Equilateral, its tip up: the largest distance beyond one of its three edges."""
    sides = [y, math.sqrt(0.75) * x - y / 2, -math.sqrt(0.75) * x - y / 2]
    return torch.stack(sides).amax(0) - math.sqrt(math.pi / math.sqrt(27))


def augment(
    images: Tensor, noise: Tensor, shift: Any, turn: Any, zoom: Any, brightness: Any
) -> Tensor:
    """Another look at each picture: zoomed, turned about the middle, shifted, brighter or darker.

    A pure function of its noise, so that many networks can each see their own. Between pixels it
    interpolates, beyond the edge all is black. With noise 0.5, or all strengths 0, nothing changes.

    Args:
        images: [B, 1, S, S].
        noise: uniform from 0 to 1, [B, 5].
        shift: furthest, in pixels, along each side.
        turn: furthest, as a share of half a circle.
        zoom: largest, as a logarithm.
        brightness: largest change, as a share.
    """
    right, down, turned, zoomed, brighter = (2 * noise - 1).T[:, :, None, None]
    side = images.shape[-1]
    place = (2 * torch.arange(side, dtype=images.dtype, device=images.device) + 1) / side - 1
    x = place - shift * right * 2 / side  # where a pixel of the new picture comes from
    y = place[:, None] - shift * down * 2 / side
    angle, smaller = math.pi * turn * turned, (-zoom * zoomed).exp()
    cosine, sine = angle.cos() * smaller, angle.sin() * smaller
    source = torch.stack([cosine * x + sine * y, cosine * y - sine * x], -1)
    looks = grid_sample(images, source, align_corners=False)
    shaded: Tensor = looks * (1 + brightness * brighter)[:, None]
    return shaded


drawn_shapes = Data("shapes 16x16", shapes, classes=len(NAMES), per_seed=True)
