"""What tests of several rooms share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def short_fits() -> Iterator[None]:
    """Fits of own data take seconds: one thread, short trainings, the first two baselines."""
    import torch

    from pilotlight.fitting import study

    torch.set_num_threads(1)
    whole = study.baselines
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "STEPS", 150)
        patch.setattr(study, "baselines", lambda task, neural: whole(task, neural)[:2])
        yield
