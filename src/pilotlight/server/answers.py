"""Answers that took a process to find, kept for as long as what they were found from stays.

The processes are few at a time, so that a page that asks for much at once does not take the
machine away from a training.
"""

from __future__ import annotations

import asyncio
from typing import Any

from pilotlight.app import beside

AT_ONCE = 2
MOST = 24
"""Answers that are kept; the one that was asked for longest ago goes first."""


class Kept:
    """Questions and answers. A question with a mark is asked again only when the mark changes."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, Any]] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def ask(self, question: str, mark: object = None, **arguments: Any) -> Any:
        """The answer of `app.answers`; without a mark it is always found anew."""
        key = f"{question} {arguments}"
        if mark is not None and (kept := self._known.pop(key, None)) and kept[0] == mark:
            self._known[key] = kept
            return kept[1]
        async with self._turn:
            answer = await asyncio.to_thread(beside.ask, question, **arguments)
        if mark is not None:
            self._known[key] = mark, answer
            while len(self._known) > MOST:
                del self._known[next(iter(self._known))]
        return answer
