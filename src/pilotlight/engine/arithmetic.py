"""How this process calculates while it trains: threads, memory, the form of attention."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

MIB = 2**20
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3
"""Names of mallopt's parameters (mallopt(3))."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Arithmetic in one thread: sums in another order would be other numbers, and small networks
    are slower with more.
    """
    keep_memory()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def plain_attention(stacked: bool) -> Iterator[None]:
    """Attention by its plain products while networks are stacked.

    torch's fused forms (of attention, and of a whole encoder layer in evaluation) know no stack:
    they would run member by member, and say so at every call.
    """
    if not stacked:
        yield
        return
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


@cache
def keep_memory() -> bool:
    """Have freed memory kept for the next step, where the C library is glibc; whether it was done.

    glibc gives large blocks back to the system when they are freed. A step asks for the same
    blocks again, and the system hands them out page by page, each wiped: a fifth of the time of a
    small stack, a third of a small convolution's. Once for the process, and for good.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    wanted = {MMAP_THRESHOLD: 32 * MIB, TRIM_THRESHOLD: 1024 * MIB, TOP_PAD: 64 * MIB}
    done = [libc.mallopt(name, size) == 1 for name, size in wanted.items()]
    return all(done)
