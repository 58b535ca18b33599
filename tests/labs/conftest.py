"""What the tests of many labs share."""

from __future__ import annotations

import numpy as np
import pytest

from pilotlight.engine.run import show


@pytest.fixture
def failing(request):
    """The ids of the exhibits of the module's `lab` that do not pass; a NaN does not pass."""

    def ids():
        with np.errstate(all="ignore"):  # what a mistake divides by, it divides by
            return {e.id for e in request.module.lab.exhibits if not show(e).passed}

    return ids


@pytest.fixture
def error_of(request):
    """The error of the exhibit of this id of the module's `lab`."""
    exhibits = {e.id: e for e in request.module.lab.exhibits}
    return lambda name: show(exhibits[name]).error
