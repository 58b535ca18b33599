"""Data drawn in code from noise: pure functions, so that many networks draw their own at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def ring(which: Tensor, around: Tensor, modes: int = 8, spread: float = 0.05) -> Tensor:
    """Points of a ring of Gaussians on the circle of radius 1: [B, 2].

    `which` [B], uniform from 0 to 1, says around which centre a point lies; `around` [B, 2],
    standard normal, where; `spread` is the standard deviation. With 8 modes neighbouring centres
    are 0.77 apart. The ring of Metz et al. 2017 and Lin et al. 2018 (PacGAN) has a spread of 0.01.
    """
    angle = (which * modes).floor() * (2 * math.pi / modes)
    return torch.stack([angle.cos(), angle.sin()], -1) + spread * around


def ring_shares(points: Tensor, modes: int = 8, spread: float = 0.05) -> Tensor:
    """The share of points [B, 2] within three standard deviations of each centre: [modes].

    No point is near two centres as long as six standard deviations fit between them.
    """
    each = (torch.arange(modes, dtype=points.dtype, device=points.device) + 0.5) / modes
    centres = ring(each, points.new_zeros(modes, 2), modes, spread)
    distances = (points[:, None] - centres).square().sum(-1).sqrt()
    return (distances <= 3 * spread).to(points.dtype).mean(0)
