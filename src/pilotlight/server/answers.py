"""Answers that took a process to find, kept for as long as what they were found from stays.

The processes are few at a time, so that a page that asks for much at once does not take the
machine away from a training.
"""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

from pilotlight.app import beside

AT_ONCE = 2
MOST, MOST_BYTES = 24, 16_000_000
"""Answers that are kept, and their room; the one that was asked for longest ago goes first."""


class Kept:
    """Questions and answers. A question with a mark is asked again only when the mark changes."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, bytes]] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def ask(self, question: str, mark: object = None, **arguments: Any) -> Any:
        """The answer of `app.answers`; without a mark it is always found anew."""
        key = f"{question} {arguments}"
        if mark is not None and (kept := self._known.pop(key, None)) and kept[0] == mark:
            self._known[key] = kept
            return pickle.loads(kept[1])  # packed by this process, below
        async with self._turn:
            answer = await asyncio.to_thread(beside.ask, question, **arguments)
        if mark is not None:
            self._keep(key, mark, answer)
        return answer

    def _keep(self, key: str, mark: object, answer: Any) -> None:
        """Packed: curves of a long run take several times the room as lists of numbers."""
        self._known[key] = mark, pickle.dumps(answer)
        while len(self._known) > MOST or sum(len(a) for _, a in self._known.values()) > MOST_BYTES:
            del self._known[next(iter(self._known))]
