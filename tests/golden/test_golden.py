"""The numbers of short runs are those that were written down, to a unit of the last digit kept.

Not closer: another processor may round a value that lies near the middle of two the other way.
"""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
WRITE = runpy.run_path(str(HERE / "write.py"))


def differ(found: list[list[float]], kept: list[list[float]]) -> bool:
    """Whether a value lies more than a unit of the last digit from the one that is kept."""
    golden = np.array(kept)
    units = 10.0 ** (np.floor(np.log10(golden)) - WRITE["DIGITS"] + 1)
    return bool((np.abs(np.array(found) - golden) > units * (1 + 1e-9)).any())


@pytest.mark.parametrize("lab", WRITE["LABS"])
def test_numbers_move_only_on_purpose(lab):
    golden = json.loads((HERE / f"{lab}.json").read_text())
    found = WRITE["curves"](lab)
    assert found.keys() == golden.keys()
    for what in ("data", "splits"):
        assert found[what] == golden[what], f"{what}: other rows, so other numbers"
    for metric in WRITE["METRICS"]:
        assert found[metric].keys() == golden[metric].keys()
        moved = [c for c, kept in golden[metric].items() if differ(found[metric][c], kept)]
        assert moved == [], f"{metric} moved. On purpose? Then: python tests/golden/write.py"


def test_what_is_written_can_be_read_and_a_change_of_the_last_digit_is_seen():
    curves = [[2.29871, 0.0312345], [1.0, 9.99949]]
    kept = json.loads(WRITE["text"]({"loss": curves}))["loss"]
    assert kept == [[2.299, 0.03123], [1.0, 9.999]]
    assert not differ(curves, kept)
    for row, column, unit in ((0, 0, 1e-3), (0, 1, 1e-5), (1, 0, 1e-3), (1, 1, 1e-3)):
        other = [list(curve) for curve in curves]
        other[row][column] += 2 * unit
        assert differ(other, kept)
