"""Tests of `benchmarks/`, which is no part of the package: it is found beside `src`."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """As the benchmark itself: contenders that share cores would only wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
