"""A small world for the command line: two labs as text, and an app that trains nothing."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pilotlight.core.event import Event, Progress
from pilotlight.core.report import ClaimResult, ExhibitResult, Report
from pilotlight.labs import catalogue

LAB = '''"""Does {name} help?"""

lab = Lab(
    area="{area}", week=1, seconds=4, needs={needs}, systems=[3], text="Some text.",
    claims=dict(faster=Claim("It is faster.", "new", "old", expected=SUPPORTED)),
)
'''


def a_report(
    lab: str, folder: Path, verdict: str | None = "supported", state: str = "finished"
) -> Report:
    """A report with one claim and one exhibit."""
    claim = ClaimResult(
        "faster", "It is faster.", verdict, "supported", 0.2, (0.1, 0.3), "accuracy", 12, 0.001, ""
    )
    return Report(
        lab=lab,
        question=f"Does {lab} help?",
        text="Some text.",
        evidence=verdict is not None,
        why_no_verdict=(),
        claims=(claim,),
        exhibits=(ExhibitResult("sums", "It sums.", True, 0.0, 1e-12),),
        members=(),
        run=str(folder),
        state=state,
        seconds=4.0,
        versions={"torch": "2.13.0"},
    )


@dataclass
class World:
    """What the fake app was asked for, and what it answers."""

    folder: Path
    events: list[Event | BaseException] = field(default_factory=lambda: [Progress(0, 100)])
    verdicts: dict[str, str | None] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)
    stops: int = 0
    error: BaseException | None = None
    lab: Any = None
    summaries: list[Any] = field(default_factory=list)
    exhibits_pass: bool = True

    def report(self, lab: str, state: str = "finished") -> Report:
        made = a_report(lab, self.folder / lab, self.verdicts.get(lab, "supported"), state)
        passed = tuple(replace(e, passed=self.exhibits_pass) for e in made.exhibits)
        return replace(made, exhibits=passed)

    def start(self, command: Any) -> FakeRunning:
        self.asked.append(command)
        if self.error:
            raise self.error
        return FakeRunning(self, str(command.lab))

    def resume(self, path: str, jobs: int | None = None) -> FakeRunning:
        self.asked.append(path)
        return FakeRunning(self, "momentum")

    def lab_page(self, name: str) -> Any:
        self.asked.append(name)
        return self.lab

    def lab_script(self, name: str, comparison: str | None = None) -> str:
        self.asked.append((name, comparison))
        return "import torch\n"

    def read_report(self, path: str) -> Report:
        return self.report("momentum")

    def write_page(self, path: str) -> Path:
        self.asked.append(path)
        return Path(path) / "report.html"

    def summary(self, report: Report) -> str:
        return f"summary of {report.lab}, {report.state}"

    def plot(self, report: Report) -> str:
        return f"plot of {report.lab}"

    def list_runs(self, root: Path) -> list[Any]:
        self.asked.append(root)
        return self.summaries

    def plan(self, command: Any) -> dict[str, Any]:
        self.asked.append(command)
        return {
            "lab": command.lab,
            "seconds": 4.0,
            "evidence": True,
            "device": "cpu",
            "members": [{"index": i} for i in range(5)],
            "cohorts": [
                {"index": 0, "members": [0, 1, 2], "stacked": True, "why": "equal shapes"},
                {"index": 1, "members": [3], "stacked": False, "why": "an LSTM"},
                {"index": 2, "members": [4], "stacked": False, "why": "an LSTM"},
            ],
        }


class FakeRunning:
    """Stands for app.running.Running: yields the world's events, raising what is to be raised."""

    seconds = 4.0
    finished = False

    def __init__(self, world: World, lab: str) -> None:
        self._world = world
        self._state = "finished"
        self.lab_name = lab
        self.folder = world.folder / lab

    def __iter__(self) -> Iterator[Event]:
        for event in self._world.events:
            if isinstance(event, BaseException):
                raise event
            yield event

    def report(self) -> Report:
        return self._world.report(self.lab_name, self._state)

    def stop(self) -> None:
        self._world.stops += 1
        self._state = "stopped"


@pytest.fixture
def labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The labs `momentum` and `dropout` in place of those that are shipped."""
    home = tmp_path / "labs"
    for name, area, needs in (("momentum", "motion", ["dropout"]), ("dropout", "noise", [])):
        (home / area).mkdir(parents=True)
        (home / area / f"{name}.py").write_text(LAB.format(name=name, area=area, needs=needs))
    monkeypatch.setattr(catalogue, "HOME", home)
    return home


@pytest.fixture
def world(labs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The app as seen by the command line."""
    made = World(tmp_path / "runs")
    fakes = {
        "pilotlight.app.running": ("start", "resume", "plan"),
        "pilotlight.app.reading": (
            "lab_page",
            "lab_script",
            "read_report",
            "write_page",
            "list_runs",
        ),
        "pilotlight.present.terminal": ("summary", "plot"),
    }
    for name, functions in fakes.items():
        module = types.ModuleType(name)
        vars(module).update({function: getattr(made, function) for function in functions})
        monkeypatch.setitem(sys.modules, name, module)
    return made
