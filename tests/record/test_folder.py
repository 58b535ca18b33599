"""The run folder as a whole: what goes in comes out, and nothing good is ever lost."""

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from pilotlight.core.errors import RecordError
from pilotlight.core.event import Checkpoint, Diverged, Finished, Note, Progress
from pilotlight.record.folder import Folder


def _checkpoint(step: int, size: int = 10) -> Checkpoint:
    return Checkpoint(0, step, {"w": torch.full((size,), float(step))}, {"seconds": 0.1 + 0.2})


def _finish(folder: Folder) -> None:
    folder.append(Finished(1.5))
    folder.save_checkpoint(_checkpoint(3))
    folder.save_weights(1, {"1/w": torch.ones(2)})
    folder.save_weights(0, {"0/w": torch.zeros(3, dtype=torch.bfloat16)})
    result = {"lab": "momentum", "claims": [{"id": "a", "effect": float("nan")}]}
    folder.finish(result, {"loss": np.array([[0.5, np.nan]])})


def test_create_and_open_see_the_same(folder: Folder) -> None:
    assert Folder.open(folder.path).config == folder.config
    assert Folder.open(str(folder.path)).path == folder.path
    assert folder.config["format"] == 1


def test_config_is_what_json_has(tmp_path: Path) -> None:
    config = {"seeds": (1, 2), "rate": float("inf"), "plan": {0: "a"}, "format": 99}
    folder = Folder.create("a", config, out=str(tmp_path / "a"))
    assert folder.config == {"seeds": [1, 2], "rate": None, "plan": {"0": "a"}, "format": 1}


def test_a_new_folder_has_nothing_yet(folder: Folder) -> None:
    assert folder.events() == []
    assert folder.load_checkpoints() == {}
    assert folder.weights() == {}
    assert folder.history() == {}
    assert folder.result is None
    assert not folder.finished
    assert folder.state == "stopped"


def test_passing_events_are_not_written(folder: Folder) -> None:
    folder.append(Progress(1, 10))
    folder.append(_checkpoint(1))
    assert not (folder.path / "journal.jsonl").exists()
    folder.append(Note("a"))
    folder.append(Progress(2, 10))
    assert folder.events() == [Note("a")]


def test_a_checkpoint_comes_back_and_is_replaced(folder: Folder) -> None:
    for step in (1, 2):
        folder.save_checkpoint(_checkpoint(step))
        found = Folder.open(folder.path).load_checkpoints().get(0)
        assert found is not None
        assert (found.cohort, found.step, found.about) == (0, step, {"seconds": 0.1 + 0.2})
        assert torch.equal(found.tensors["w"], torch.full((10,), float(step)))


def test_a_checkpoint_is_a_copy(folder: Folder) -> None:
    weight = torch.ones(3)
    folder.save_checkpoint(Checkpoint(0, 1, {"w": weight}, {}))
    weight.zero_()
    assert torch.equal(folder.load_checkpoints().get(0).tensors["w"], torch.ones(3))


def test_the_journal_is_on_the_disk_before_the_checkpoint(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = []
    fsync, replace = os.fsync, os.replace
    folder.append(Note("a"))
    journal = (folder.path / "journal.jsonl").stat()

    def noted(descriptor):
        same = os.path.samestat(os.fstat(descriptor), journal)
        order.append("journal" if same else "other")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(os, "replace", lambda a, b: order.append(Path(b).name) or replace(a, b))
    folder.save_checkpoint(_checkpoint(1))
    assert order == ["journal", "other", "checkpoint.safetensors", "other"]


def test_a_reader_never_sees_part_of_a_checkpoint(folder: Folder) -> None:
    folder.save_checkpoint(_checkpoint(0, 50_000))

    def write() -> None:
        for step in range(1, 100):
            folder.save_checkpoint(_checkpoint(step, 50_000))

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    while writer.is_alive():
        found = Folder.open(folder.path).load_checkpoints().get(0)
        assert (found.tensors["w"] == found.step).all()
        seen.append(found.step)
    writer.join()
    assert seen == sorted(seen)
    assert len(set(seen)) > 5


def test_weights_of_trained_cohorts_are_there_before_the_end(folder: Folder) -> None:
    folder.save_weights(10, {"3/w": torch.ones(2)})
    folder.save_weights(2, {"0/w": torch.zeros(1), "1/w": torch.zeros(1)})
    again = Folder.open(folder.path)
    assert sorted(again.weights()) == ["0/w", "1/w", "3/w"]
    assert torch.equal(again.weights()["3/w"], torch.ones(2))


def test_a_finished_run_has_everything(folder: Folder) -> None:
    _finish(folder)
    run = Folder.open(folder.path)
    assert run.finished
    assert run.state == "finished"
    assert run.result == {"lab": "momentum", "claims": [{"id": "a", "effect": None}]}
    assert sorted(run.weights()) == ["0/w", "1/w"]
    assert run.weights()["0/w"].dtype == torch.bfloat16
    np.testing.assert_array_equal(run.history()["loss"], [[0.5, np.nan]])
    assert run.events() == [Finished(1.5)]
    assert sorted(os.listdir(run.path)) == [
        ".lock",
        "config.json",
        "history.npz",
        "journal.jsonl",
        "result.json",
        "weights.safetensors",
    ]


def test_finishing_twice_changes_nothing(folder: Folder) -> None:
    _finish(folder)
    before = {p.name: p.read_bytes() for p in folder.path.iterdir()}
    folder.finish({"another": 1}, {})
    assert {p.name: p.read_bytes() for p in folder.path.iterdir()} == before


def test_a_run_without_networks_has_no_weights(folder: Folder) -> None:
    folder.finish({"exhibits": []}, {})
    assert folder.finished
    assert folder.weights() == {}
    assert folder.history() == {}
    assert not (folder.path / "weights.safetensors").exists()


def test_a_copy_opens_elsewhere_and_goes_on(folder: Folder, tmp_path: Path) -> None:
    folder.append(Note("a"))
    folder.save_checkpoint(_checkpoint(1))
    folder.save_weights(0, {"0/w": torch.ones(2)})
    with folder.lock():
        copied = shutil.copytree(folder.path, tmp_path / "elsewhere" / "copy")
    held = [p for p in copied.rglob("*") if str(tmp_path).encode() in p.read_bytes()]
    assert held == []
    shutil.rmtree(folder.path)
    run = Folder.open(copied)
    with run.lock():
        run.append(Note("b"))
        assert run.load_checkpoints().get(0).step == 1
        run.finish({}, {})
    assert run.events() == [Note("a"), Note("b")]
    assert run.weights().keys() == {"0/w"}


def test_text_and_figures(folder: Folder) -> None:
    assert folder.write_text("report.html", "<p>é</p>") == folder.path / "report.html"
    assert (folder.path / "report.html").read_bytes() == "<p>é</p>".encode()
    for data in (b"one", b"two"):
        path = folder.write_bytes("figures/loss.png", data)
    assert path.read_bytes() == b"two"
    assert os.listdir(path.parent) == ["loss.png"]


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("weights.safetensors", Folder.weights),
        ("history.npz", Folder.history),
        ("result.json", lambda run: run.result),
    ],
)
def test_a_damaged_file_is_named(folder: Folder, name: str, read) -> None:
    _finish(folder)
    path = folder.path / name
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(RecordError, match=rf"{name} is damaged \(.+\)\. .* Copy the folder again"):
        read(folder)


def test_a_damaged_checkpoint_says_what_deleting_it_means(folder: Folder) -> None:
    folder.save_checkpoint(_checkpoint(1))
    (folder.path / "checkpoint.safetensors").write_bytes(b"half of it")
    with pytest.raises(
        RecordError, match=r"something else changed or cut it.*delete this file: the run then start"
    ):
        folder.load_checkpoints().get(0)


def test_a_file_that_cannot_be_read_is_named(folder: Folder) -> None:
    _finish(folder)
    (folder.path / "history.npz").unlink()
    with pytest.raises(RecordError, match=r"history.npz cannot be read: No such file"):
        folder.history()
    (folder.path / "journal.jsonl").unlink()
    (folder.path / "journal.jsonl").mkdir()
    with pytest.raises(RecordError, match=r"journal.jsonl cannot be read: Is a directory"):
        folder.events()


ON_A_FULL_DISK = {
    "append": lambda run: run.append(Note("does not fit")),
    "checkpoint": lambda run: run.save_checkpoint(_checkpoint(2, 1000)),
    "weights": lambda run: run.save_weights(0, {"0/w": torch.zeros(1000)}),
    "finish": lambda run: run.finish({"new": 1}, {"loss": np.random.default_rng(1).random(1000)}),
    "text": lambda run: run.write_text("report.html", "new" * 1000),
}


@pytest.mark.parametrize("what", ON_A_FULL_DISK)
def test_a_full_disk_loses_nothing(folder: Folder, full_disk, monkeypatch, what: str) -> None:
    folder.append(Diverged(0, 1, 1))
    folder.save_checkpoint(_checkpoint(1))
    folder.save_weights(0, {"0/w": torch.ones(2)})
    folder.write_text("report.html", "old")
    before = {p.name: p.read_bytes() for p in folder.path.iterdir()}
    full_disk(20)
    with pytest.raises(RecordError, match="The disk is full") as caught:
        ON_A_FULL_DISK[what](folder)
    message = str(caught.value)
    assert message.startswith("The disk is full: ")
    assert message.endswith(
        "What was written so far is kept; free some space, then "
        f"`pilotlight run --resume {folder.path}`."
    )
    assert {p.name: p.read_bytes() for p in folder.path.iterdir()} == before
    monkeypatch.undo()
    ON_A_FULL_DISK[what](folder)


def test_a_disk_that_fills_while_finishing(folder: Folder, full_disk, monkeypatch) -> None:
    """Wherever it fills, the run is either finished or can be finished later."""
    folder.save_weights(0, {"0/w": torch.ones(20)})
    size = sum(p.stat().st_size for p in folder.path.iterdir())
    failures = 0
    for room in range(0, 2 * size, 25):
        run = Folder.open(shutil.copytree(folder.path, folder.path.with_name(f"room-{room}")))
        with monkeypatch.context() as patch:
            full_disk(room)
            try:
                run.finish({"done": True}, {"loss": np.arange(3)})
            except RecordError:
                failures += 1
                assert not run.finished
            patch.undo()
        monkeypatch.undo()
        run.finish({"done": True}, {"loss": np.arange(3)})
        assert run.result == {"done": True}
        assert torch.equal(run.weights()["0/w"], torch.ones(20))
    assert 5 < failures < len(range(0, 2 * size, 25))


def test_a_finished_run_on_a_full_disk_is_not_to_be_resumed(folder: Folder, full_disk) -> None:
    _finish(folder)
    full_disk(0)
    with pytest.raises(RecordError, match=r"The finished run is kept; free .*, then try again\."):
        folder.write_text("report.html", "x")


@pytest.mark.parametrize("what", ON_A_FULL_DISK)
def test_a_read_only_folder_is_said_in_words(folder: Folder, monkeypatch, what: str) -> None:
    opened = os.open

    def read_only(path, flags, *mode):
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, flags, *mode)

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(RecordError, match=r"You may not write there: .*make the folder writable"):
        ON_A_FULL_DISK[what](folder)
    assert Folder.open(folder.path).events() == []


def test_a_folder_that_is_gone_is_said_and_not_made_again(folder: Folder) -> None:
    shutil.rmtree(folder.path)
    for what in ON_A_FULL_DISK.values():
        with pytest.raises(RecordError, match=r"The folder is gone: .*; put it back, then"):
            what(folder)
    assert not folder.path.exists()


def test_a_name_too_long_is_said_in_words(folder: Folder) -> None:
    with pytest.raises(RecordError, match=r"The name is too long: .*choose a shorter one"):
        folder.write_text("x" * 300, "")


def test_a_path_with_spaces_can_be_pasted(tmp_path: Path, full_disk) -> None:
    folder = Folder.create("a", {}, out=str(tmp_path / "my run"))
    full_disk(0)
    with pytest.raises(RecordError, match=r"--resume '.*/my run'`\.$"):
        folder.append(Note("a"))


def test_no_file_holds_pickle(folder: Folder) -> None:
    """Each is read by a reader that knows no pickle."""
    folder.save_checkpoint(_checkpoint(1))
    header = (folder.path / "checkpoint.safetensors").read_bytes()
    json.loads(header[8 : 8 + int.from_bytes(header[:8], "little")])
    _finish(folder)
    with np.load(folder.path / "history.npz", allow_pickle=False) as arrays:
        assert arrays["loss"].dtype == np.float64
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        Folder.create("a", {}, out=str(folder.path / "b")).finish({}, {"a": np.array([object()])})


def test_reading_a_run_does_not_wait_for_torch() -> None:
    code = (
        "import sys, pilotlight.record.query; "
        "print({'torch', 'numpy', 'safetensors'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("set()\n", "")
