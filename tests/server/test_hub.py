"""The stream: batches, nothing lost, catching up, and a memory that stays small."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from pilotlight.server import hub as room
from pilotlight.server.hub import Hub


class Reader:
    """Reads a hub's stream in the same event loop."""

    def __init__(self, hub, after=None):
        self.stream = hub.stream(after)
        self.last = ""

    async def next(self):
        """The messages of the next batch."""
        text = await self.stream.__anext__()
        fields = dict(line.split(": ", 1) for line in text.strip().splitlines())
        self.last = fields["id"]
        return json.loads(fields["data"])


def run(test):
    asyncio.run(asyncio.wait_for(test, 20))


def test_a_fresh_listener_hears_what_comes_from_now_on():
    async def test():
        hub = Hub()
        hub.tell("old")
        reader = Reader(hub)
        assert await reader.next() == [{"kind": "hello", "boot": hub.boot}]
        hub.tell("new", value=float("nan"))
        assert await reader.next() == [{"kind": "new", "value": None}]

    run(test())


def test_what_comes_at_once_is_one_batch_and_batches_keep_their_distance():
    async def test():
        hub, times = Hub(), []
        reader = Reader(hub)
        await reader.next()
        for i in range(5):
            hub.tell("a", i=i)
        assert [m["i"] for m in await reader.next()] == [0, 1, 2, 3, 4]
        for i in range(4):
            hub.tell("a", i=i)
            await reader.next()
            times.append(time.monotonic())
        assert times[-1] - times[0] >= 3 * room.BATCH_SECONDS * 0.9

    run(test())


def test_scalars_are_never_dropped_and_of_progress_the_last_of_a_batch_is_enough():
    async def test():
        hub = Hub()
        reader = Reader(hub)
        await reader.next()
        for i in range(1000):
            hub.tell("event", n=i)
            hub.tell("progress", "progress a", run="a", done=i)
            hub.tell("progress", "progress b", run="b", done=-i)
        found = await reader.next()
        assert [m["n"] for m in found if m["kind"] == "event"] == list(range(1000))
        progress = [(m["run"], m["done"]) for m in found if m["kind"] == "progress"]
        assert progress == [("a", 999), ("b", -999)]

    run(test())


def test_who_comes_back_gets_what_was_missed():
    async def test():
        hub = Hub()
        first = Reader(hub)
        await first.next()
        hub.tell("a", i=0)
        await first.next()
        await first.stream.aclose()
        for i in (1, 2, 3):
            hub.tell("a", i=i)
        again = Reader(hub, first.last)
        assert (await again.next())[0]["kind"] == "hello"
        assert [m["i"] for m in await again.next()] == [1, 2, 3]

    run(test())


@pytest.mark.parametrize("after", ["other-3", "nonsense", "{boot}-99", "{boot}-", "{boot}--1", "-"])
def test_who_was_with_another_server_is_told_to_look_afresh(after):
    async def test():
        hub = Hub()
        hub.tell("a")
        reader = Reader(hub, after.format(boot=hub.boot))
        assert (await reader.next())[0]["kind"] == "reset"
        hub.tell("b")
        assert await reader.next() == [{"kind": "b"}]

    run(test())


def test_who_was_away_for_too_long_is_told_to_look_afresh(monkeypatch):
    monkeypatch.setattr(room, "MOST_MESSAGES", 10)

    async def test():
        hub = Hub()
        slow = Reader(hub)
        await slow.next()
        for _ in range(11):
            hub.tell("a")
        assert (await slow.next())[0]["kind"] == "reset"
        back = Reader(hub, f"{hub.boot}-0")
        assert (await back.next())[0]["kind"] == "reset"
        just = Reader(hub, f"{hub.boot}-1")
        assert (await just.next())[0]["kind"] == "hello"
        assert len(await just.next()) == 10

    run(test())


def test_what_is_kept_is_bounded_in_number_and_in_size():
    hub = Hub()
    for _ in range(30_000):
        hub.tell("a")
    assert len(hub._kept) == room.MOST_MESSAGES
    for _ in range(100):
        hub.tell("a", text="x" * 1_000_000)
    assert hub._characters <= room.MOST_CHARACTERS
    assert hub._characters == sum(len(kept.text) for kept in hub._kept)


def test_closing_ends_all_streams_and_leaving_is_counted():
    async def test():
        hub = Hub()
        readers = [Reader(hub) for _ in range(3)]
        for reader in readers:
            await reader.next()
        assert hub.listeners == 3
        hub.close()
        for reader in readers:
            with pytest.raises(StopAsyncIteration, match=r"^$"):
                await reader.next()
        assert hub.listeners == 0

    run(test())


def test_a_quiet_stream_is_kept_alive(monkeypatch):
    monkeypatch.setattr(room, "ALIVE_SECONDS", 0.01)

    async def test():
        stream = Hub().stream(None)
        await stream.__anext__()
        assert await stream.__anext__() == ": here\n\n"

    run(test())
