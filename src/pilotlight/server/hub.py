"""What happens, for whoever listens: numbered messages, kept for a while, sent in batches.

A message is kept as the text that is sent, so that ten listeners cost little more than one. Who
was away for a moment gets what was missed; who was away for longer is told to look afresh.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from pilotlight.app.compact import json_text

MOST_MESSAGES, MOST_CHARACTERS = 20_000, 1_000_000
"""What is kept for those who come back; the oldest goes first."""
BATCH_SECONDS = 0.05
ALIVE_SECONDS = 15.0


@dataclass(frozen=True)
class _Kept:
    number: int
    text: str
    only_latest: str  # of messages with the same mark in one batch the last one is enough


class Hub:
    """Messages from one event loop to all who listen. `boot` tells one server from the next."""

    def __init__(self) -> None:
        self.boot = secrets.token_hex(3)
        self.listeners = 0
        self._kept: deque[_Kept] = deque()
        self._characters = 0
        self._last = 0
        self._news = asyncio.Event()
        self._closed = False

    def tell(self, kind: str, only_latest: str = "", **values: Any) -> None:
        """Send a message to all who listen, now and soon. Call it in the event loop."""
        self._last += 1
        text = json_text({"kind": kind, **values})
        self._kept.append(_Kept(self._last, text, only_latest))
        self._characters += len(text)
        while len(self._kept) > MOST_MESSAGES or self._characters > MOST_CHARACTERS:
            self._characters -= len(self._kept.popleft().text)
        self._wake()

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def stream(self, after: str | None) -> AsyncIterator[str]:
        """What happens from now on, or after the message of this id, as server-sent events."""
        self.listeners += 1
        try:
            number, missed = self._resume(after)
            first = json_text({"kind": "reset" if missed else "hello", "boot": self.boot})
            yield f"retry: 1000\n{self._event(number, [first])}"
            while not self._closed:
                if number == self._last:
                    if not await self._something():
                        yield ": here\n\n"
                    continue
                number, texts = self._since(number)
                yield self._event(number, texts)
                await asyncio.sleep(BATCH_SECONDS)
        finally:
            self.listeners -= 1

    def _resume(self, after: str | None) -> tuple[int, bool]:
        """Where a listener goes on from, and whether something of it is lost."""
        boot, _, digits = (after or "").partition("-")
        if not after:
            return self._last, False
        if boot != self.boot or not digits.isdecimal() or int(digits) > self._last:
            return self._last, True
        number = int(digits)
        return (self._last, True) if number < self._oldest - 1 else (number, False)

    @property
    def _oldest(self) -> int:
        return self._kept[0].number if self._kept else self._last + 1

    async def _something(self) -> bool:
        try:
            await asyncio.wait_for(self._news.wait(), ALIVE_SECONDS)
        except TimeoutError:
            return False
        return True

    def _since(self, number: int) -> tuple[int, list[str]]:
        """The last number, and what came after the given one."""
        if number < self._oldest - 1:
            return self._last, [json_text({"kind": "reset", "boot": self.boot})]
        new = list(self._after(number))
        latest = {kept.only_latest: kept for kept in new}
        texts = [k.text for k in new if not k.only_latest or latest[k.only_latest] is k]
        return self._last, texts

    def _after(self, number: int) -> list[_Kept]:
        """From the right, as it is the last few that are asked for."""
        found = []
        for kept in reversed(self._kept):
            if kept.number <= number:
                break
            found.append(kept)
        return found[::-1]

    def _event(self, number: int, texts: list[str]) -> str:
        return f"id: {self.boot}-{number}\ndata: [{','.join(texts)}]\n\n"
