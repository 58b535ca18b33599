"""Schedules: a factor on the rate, `schedule(step, steps, settings)`, from 0 to steps - 1.

Written with plain arithmetic on numbers and tensors, so that its settings may differ per member.
"""

from __future__ import annotations

import math
from typing import Any

import torch


def constant(step: int, steps: int, settings: Any) -> Any:
    """No change."""
    return 1.0


def cosine(step: int, steps: int, settings: Any) -> Any:
    """From 1 to nearly 0 along half a cosine (Loshchilov and Hutter 2017, without restarts)."""
    return 0.5 * (1 + math.cos(math.pi * step / steps))


def linear_to_zero(step: int, steps: int, settings: Any) -> Any:
    """From 1 to nearly 0 in equal steps."""
    return 1 - step / steps


def warmup(step: int, steps: int, settings: Any) -> Any:
    """Rises over the share `settings.warmup` of the steps, then stays at 1."""
    share = (step + 1) / (settings.warmup * steps + 1e-12)
    return torch.as_tensor(share).clamp(max=1.0)
