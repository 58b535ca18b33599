"""The command line of the benchmark."""

import sys

import pytest
import torch
from benchmarks.tasks import clock

from benchmarks import machine, main


def test_without_a_gpu_it_says_so(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--device", "cuda"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit, match="sees no Nvidia GPU here") as caught:
        main.main()
    assert caught.value.code not in (0, None)


def test_a_gpu_is_waited_for_before_the_clock_is_read(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waited.append(True))
    now = clock("cuda")
    assert now() <= now()
    assert len(waited) == 2


def test_the_machine_is_described():
    told = machine.describe()
    assert told["processor"]
    assert told["versions"]["torch"] == torch.__version__
    assert set(told["versions"]) == set(machine.PACKAGES)
