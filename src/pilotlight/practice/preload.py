"""Imported once by the server that processes are forked from, so that each starts at once."""

from __future__ import annotations

import torch

import pilotlight.practice.worker  # noqa: F401

torch.set_num_threads(1)
# The first optimizer imports torch's compiler, which takes a second.
torch.optim.SGD([torch.zeros(1)], lr=0.1)
