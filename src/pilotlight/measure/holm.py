"""Holm's correction for several claims judged at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float], level: float) -> tuple[list[float], list[float]]:
    """Holm's corrected p, at most `level` for what is decided, and the level of each interval.

    The i-th smallest of m has level / (m - i + 1). After the first one that is not decided, all
    later ones keep that one's level.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian
    Journal of Statistics 6, 65-70.
    """
    corrected, levels = [0.0] * len(p), [0.0] * len(p)
    largest, current, going = 0.0, level, True
    for rank, index in enumerate(np.argsort(p, kind="stable")):
        remaining = len(p) - rank
        largest = max(largest, min(1.0, remaining * p[index]))
        current = level / remaining if going else current
        going = largest <= level
        corrected[index], levels[index] = largest, current
    return corrected, levels
