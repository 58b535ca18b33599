"""Runs as they train: told as they go, stopped and gone on with, killed from outside."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from serving import RING

from pilotlight.app.running import start
from pilotlight.core.command import RunCommand
from pilotlight.core.event import CohortDone, Finished
from pilotlight.record.folder import Folder

LONG = {"epochs": 30, "patience": 1000}


def measured(message, run):
    return message.get("run") == run and message.get("event", {}).get("kind") == "measured"


def journal(folder):
    """What was told, without what the clock says."""
    return [e for e in Folder.open(folder).events() if not isinstance(e, CohortDone | Finished)]


def shown(served, run):
    return served.client.get(f"/api/runs/{run}").json()


def test_a_run_is_told_from_its_first_event_to_its_verdicts(served):
    with served.listen() as listener:
        run = served.client.post("/api/runs", json={"lab": "ring"}).json()["run"]
        listener.state(run, "finished")
    told = [m for m in listener.messages if m["kind"] == "event" and m["run"] == run]
    lines = (served.laboratory.runs / run / "journal.jsonl").read_text().splitlines()
    assert [m["n"] for m in told] == list(range(1, len(lines) + 1))
    kinds = {m["event"]["kind"] for m in told}
    assert {"exhibited", "measured", "probed", "cohortdone", "finished"} <= kinds
    assert all(m["event"]["values"] is None for m in told if m["event"]["kind"] == "probed")
    page = shown(served, run)
    assert page["state"] == "finished"
    assert page["n"] == len(lines)
    assert page["evidence"]
    assert {claim["id"] for claim in page["claims"]} == {"sooner", "alike"}
    assert all(claim["verdict"] for claim in page["claims"])
    last = [m["event"] for m in told if m["event"]["kind"] == "measured"][-1]
    final = {m["index"]: m["final"]["test_loss"] for m in page["members"]}
    for member, value in zip(last["members"], last["values"]["test_loss"], strict=True):
        assert final[member] == pytest.approx(value, rel=1e-4)


def test_the_numbers_are_those_of_the_command_line_however_often_it_is_paused(served, tmp_path):
    with served.listen() as listener:
        run = served.order(**LONG)
        for wanted, told in (("pause", "paused"), ("stop", "stopped")):
            before = len(listener.messages)
            listener.wait(lambda m, b=before: measured(m, run) and m in listener.messages[b:])
            begin = time.monotonic()
            assert served.client.post(f"/api/runs/{run}/{wanted}").json()["state"] == told
            assert time.monotonic() - begin < 2
            listener.state(run, told)
            assert shown(served, run)["state"] == told
            assert Folder.open(served.laboratory.runs / run).state == "stopped"
            assert served.client.post(f"/api/runs/{run}/resume").json()["state"] == "running"
        listener.state(run, "finished")
    straight = start(RunCommand(str(RING), changes=LONG, out=str(tmp_path / "straight")))
    for _ in straight:
        pass
    assert journal(served.laboratory.runs / run) == journal(straight.folder)
    for name in ("weights.safetensors", "history.npz"):
        ours = (served.laboratory.runs / run / name).read_bytes()
        assert ours == (straight.folder / name).read_bytes()


def test_what_a_page_has_and_what_the_stream_tells_next_are_the_whole(served):
    """A page that is loaded anew in the middle of a run loses nothing."""
    with served.listen() as listener:
        run = served.order(**LONG)
        listener.wait(lambda m: measured(m, run) and m["event"]["step"] > 0)
        page = shown(served, run)
        assert page["state"] == "running"
        listener.state(run, "finished")
    later = {m["n"] for m in listener.messages if m.get("run") == run and m.get("n", 0) > page["n"]}
    lines = (served.laboratory.runs / run / "journal.jsonl").read_text().splitlines()
    assert later == set(range(page["n"] + 1, len(lines) + 1))


def test_a_stream_that_broke_off_catches_up_by_the_last_id(served):
    with served.listen() as listener:
        run = served.order(**LONG)
        listener.wait(lambda m: measured(m, run))
    last = listener.batches[-1][1]
    had = {m["n"] for m in listener.messages if m["kind"] == "event" and m["run"] == run}
    time.sleep(0.3)
    with served.listen(last) as again:
        assert again.messages[0]["kind"] == "hello"
        again.state(run, "finished")
    rest = [m["n"] for m in again.messages if m["kind"] == "event" and m["run"] == run]
    assert rest[0] == max(had) + 1
    lines = (served.laboratory.runs / run / "journal.jsonl").read_text().splitlines()
    assert had | set(rest) == set(range(1, len(lines) + 1))


def test_a_killed_process_is_said_and_its_run_can_be_gone_on_with(served):
    with served.listen() as listener:
        run = served.order(**LONG)
        listener.wait(lambda m: measured(m, run))
        os.kill(served.laboratory.trainings._live[run].process.pid, signal.SIGKILL)
        note = listener.state(run, "stopped")["note"]
        assert "signal 9" in note
        assert "What was trained is kept" in note
        assert shown(served, run)["state"] == "stopped"
        assert served.client.post(f"/api/runs/{run}/resume").status_code == 200
        listener.state(run, "finished")


def test_batches_come_at_most_twenty_times_a_second(served):
    with served.listen() as listener:
        run = served.order(**LONG)
        listener.state(run, "finished")
    times = [when for when, _, _ in listener.batches[1:]]
    assert 5 < len(times) <= 2 + (times[-1] - times[0]) * 20 * 1.05


def test_ten_listeners_hear_the_same(served):
    listeners = [served.listen() for _ in range(10)]
    for listener in listeners:
        listener.__enter__()
    run = served.order(epochs=20)
    for listener in listeners:
        listener.state(run, "finished")
        listener.__exit__()
    heard = [[m for m in one.messages if m["kind"] == "event"] for one in listeners]
    assert heard[0]
    assert all(each == heard[0] for each in heard)


def test_a_run_that_another_program_trains_is_told_too(served):
    run = "elsewhere"
    with served.listen() as listener:
        out = str(served.laboratory.runs / run)
        training = iter(start(RunCommand(str(RING), changes=LONG, out=out)))
        next(training)
        listener.state(run, "running")
        answer = served.client.post(f"/api/runs/{run}/stop")
        assert answer.status_code == 409
        assert "trained by another program" in answer.json()["problems"][0]
        assert served.client.request("DELETE", f"/api/runs/{run}").status_code == 409
        for _ in training:
            pass
        listener.state(run, "finished")
    told = [m for m in listener.messages if m["kind"] == "event" and m["run"] == run]
    assert told[-1]["event"]["kind"] == "finished"


def test_no_more_than_two_train_at_once(served):
    with served.listen() as listener:
        runs = [served.order(epochs=1000, patience=1000) for _ in range(2)]
        answer = served.client.post("/api/runs", json={"lab": "ring"})
        assert answer.status_code == 409
        assert all(run in answer.json()["problems"][0] for run in runs)
        for run in runs:
            served.client.post(f"/api/runs/{run}/stop")
            listener.state(run, "stopped")


def test_of_five_who_resume_at_once_one_does(served):
    with served.listen() as listener:
        run = served.order(epochs=1000, patience=1000)
        served.client.post(f"/api/runs/{run}/stop")
        with ThreadPoolExecutor(5) as pool:
            answers = pool.map(served.client.post, [f"/api/runs/{run}/resume"] * 5)
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
        served.client.post(f"/api/runs/{run}/stop")
        listener.state(run, "stopped")


@pytest.mark.parametrize(
    ("order", "status", "problem"),
    [
        ({"lab": "rings"}, 422, "unknown lab 'rings'"),
        ({"lab": "./ring.py"}, 422, "named when the app is started"),
        (
            {"lab": "ring", "changes": {"rate": 7}},
            422,
            "rate=7.0: rate is a number from 0.0001 to 1.",
        ),
        ({"lab": "ring", "changes": {"rat": 1}}, 422, "Did you mean 'rate'?"),
        ({"lab": "ring", "seeds": 0}, 422, "seeds=0: seeds is a whole number from 1 to 900."),
        ({"lab": "ring", "compare": ["wid"]}, 422, "Did you mean 'wide'?"),
        ({"lab": "ring", "device": "abacus"}, 422, "abacus"),
        ({"lab": "ring", "jobs": 1000}, 422, "jobs=1000"),
        ({"lab": "ring", "seeds": "3"}, 400, "seeds: a whole number is needed here."),
        ({"lab": "ring", "out": "/etc"}, 400, "unknown field 'out'"),
        ({}, 400, "lab: a text is needed here."),
    ],
)
@pytest.mark.parametrize("address", ["/api/runs", "/api/commands"])
def test_what_cannot_be_run_is_refused_in_words_and_leaves_nothing(
    address, order, status, problem, served
):
    before = served.laboratory.shelf.names()
    answer = served.client.post(address, json=order)
    assert answer.status_code == status
    assert any(problem in told for told in answer.json()["problems"]), answer.text
    assert served.laboratory.shelf.names() == before


def test_there_is_nothing_to_stop_or_to_resume_in_a_finished_run(served):
    with served.listen() as listener:
        run = served.order(epochs=1)
        listener.state(run, "finished")
    for asked, said in (("stop", "not being trained"), ("resume", "is finished")):
        answer = served.client.post(f"/api/runs/{run}/{asked}")
        assert answer.status_code == 409
        assert said in answer.json()["problems"][0]
