"""Threads, memory and the form of attention while a process trains."""

import platform

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from pilotlight.data.table import Data
from pilotlight.engine.arithmetic import keep_memory, one_thread, plain_attention


def test_one_thread_is_taken_and_given_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
        with pytest.raises(KeyError, match="on the way"), one_thread():
            raise KeyError("on the way")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_freed_memory_is_kept_where_the_library_can():
    assert keep_memory() == (platform.libc_ver()[0] == "glibc")


def fused_is_allowed():
    # the first is the switch for the CPU too
    return torch.backends.cuda.flash_sdp_enabled() and torch.backends.mha.get_fastpath_enabled()


def test_attention_is_plain_while_networks_are_stacked_and_then_as_before():
    assert fused_is_allowed()
    with plain_attention(stacked=True):
        assert not fused_is_allowed()
    assert fused_is_allowed()
    with plain_attention(stacked=False):
        assert fused_is_allowed()


def test_stacked_attention_says_nothing_and_equals_each_network_alone(tiny, train):
    """Warnings are errors here; torch warns where it falls back to member by member."""
    noise = torch.randn(60, 5, 8, generator=torch.Generator().manual_seed(0))

    class Attentive(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
            self.readout = nn.Linear(8, 3)

        def forward(self, x):
            return self.readout(self.layer(x).mean(1))

    lab = tiny(
        data=Data("noise", lambda: (noise, torch.arange(60) % 3), classes=3),
        model=lambda s: Attentive(),
        compare={"plain": {}},
    )
    together = train(lab, (0, 1))
    assert together.plan.cohorts[0].stacked
    with sdpa_kernel(SDPBackend.MATH):  # the same form, so that rounding is all that differs
        alone = train(lab, (1,))
    for name, value in alone.network(0).items():
        torch.testing.assert_close(together.network(1)[name], value, rtol=1e-9, atol=1e-12)
