"""What builds on what: an order in which nothing comes before what it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def depth(
    name: str, needs: Mapping[str, Sequence[str]], above: frozenset[str] = frozenset()
) -> int:
    """How long the longest chain of needs below a name is; a circle of needs ends the chain."""
    below = [n for n in needs.get(name, ()) if n in needs and n not in above]
    return max((1 + depth(n, needs, above | {name}) for n in below), default=0)
