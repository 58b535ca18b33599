"""Which device trains."""

import pytest
import torch

from pilotlight.core.errors import UsageError
from pilotlight.engine.device import choose


def test_the_cpu_is_always_there():
    assert choose("cpu") == "cpu"


@pytest.mark.parametrize(("there", "chosen"), [(True, "cuda"), (False, "cpu")])
def test_auto_takes_an_nvidia_gpu_where_there_is_one(monkeypatch, there, chosen):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert choose("auto") == chosen


def test_auto_never_takes_mps(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert (choose("auto"), choose("mps")) == ("cpu", "mps")


@pytest.mark.parametrize(("name", "maker"), [("cuda", "Nvidia"), ("mps", "Apple")])
def test_a_device_that_is_not_there_is_refused(monkeypatch, name, maker):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UsageError, match=f"device '{name}': torch .* sees no {maker} GPU"):
        choose(name)


def test_an_unknown_device_names_the_nearest():
    with pytest.raises(UsageError, match=r"unknown device 'cud'\. Did you mean 'cuda'\?"):
        choose("cud")
