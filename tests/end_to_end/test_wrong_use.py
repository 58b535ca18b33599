"""Wrong use: exit code 2, what is wrong in words, no traceback, nothing touched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command_line import RING, CommandLine, contents

LABS = {
    "syntax": '"""Does it?"""\n\nlab = Lab(\n',
    "no_lab": '"""Does it?"""\n\nx = 1\n',
    "silent": 'import pilotlight as pl\n\nlab = pl.Lab(area="a", seconds=1, text="")\n',
    "bare": '"""Does it?"""\n\nlab = Lab(area="a")\n',
    "raises": '"""Does it?"""\n\n1 / 0\nlab = Lab(area="a", seconds=1, text="")\n',
    "leaves": '"""Does it?"""\n\nraise SystemExit(0)\nlab = Lab(area="a", seconds=1, text="")\n',
    "other": '"""Does it?"""\n\nLab = dict\nlab = Lab(area="a", seconds=1, text="")\n',
    "stray": (
        '"""Does it?"""\n\nfrom pilotlight import Lab\n\n'
        'lab = Lab(area="a", seconds=1, text="", colour="red")\n'
    ),
}


@pytest.fixture(scope="module")
def line(tmp_path_factory, whole) -> CommandLine:
    """A folder with labs and runs that are wrong in all ways."""
    made = CommandLine(tmp_path_factory.mktemp("wrong"))
    here = made.folder
    for name, text in LABS.items():
        (here / f"{name}.py").write_text(text, "utf-8")
    (here / "file").write_text("mine", "utf-8")
    (here / "full").mkdir()
    (here / "full" / "thesis.tex").write_text("mine", "utf-8")
    for name in ("whole", "cut", "foreign", "newer", "torn", "cut_result"):
        shutil.copytree(whole, here / name)
    config = json.loads((whole / "config.json").read_text("utf-8"))
    (here / "cut" / "config.json").write_bytes((whole / "config.json").read_bytes()[:500])
    (here / "foreign" / "config.json").write_text('{"format": 1, "name": "another program"}')
    (here / "newer" / "config.json").write_text(json.dumps({**config, "format": 99}))
    journal = (whole / "journal.jsonl").read_text("utf-8").splitlines()
    (here / "torn" / "journal.jsonl").write_text("\n".join([*journal[:3], "x", *journal[3:]]))
    (here / "cut_result" / "result.json").write_bytes(b'{"lab": "ri')
    return made


ASKED = [
    # names
    ("run momentun", ["unknown lab 'momentun'. Did you mean 'momentum'?"]),
    ("run momentum nothing.py", ["nothing.py: there is no such file."]),
    ("run full/", ["full is a folder. Name the lab file in it."]),
    ("verify momentun", ["unknown lab 'momentun'. Did you mean 'momentum'?"]),
    ("show momentun", ["unknown lab 'momentun'. Did you mean 'momentum'?"]),
    # lab files
    ("run syntax.py", ["syntax.py, line 3: '(' was never closed: lab = Lab("]),
    ("run no_lab.py", ["no_lab.py: no `lab = Lab(...)` at the top level of the file."]),
    ("run silent.py", ["silent.py: no docstring. Its first line is the question"]),
    ("run bare.py", ["bare.py, line 3: Lab(...) lacks seconds: a number."]),
    ("run raises.py", ["raises.py, line 3: ZeroDivisionError: division by zero"]),
    ("run leaves.py", ["leaves.py, line 3: SystemExit: 0"]),
    ("run other.py", ["other.py: `lab` is of type dict, not a Lab."]),
    ("run stray.py", ["stray.py, line 5: TypeError: ", "'colour'"]),
    # settings, comparisons, numbers
    ("run RING --set rat=1", ["unknown setting 'rat'. Did you mean 'rate'?"]),
    ("run RING --set width=wide", ["width=wide: width is a whole number from 1 to 64."]),
    ("run RING --set width=1.5", ["width=1.5: width is a whole number from 1 to 64."]),
    ("run RING --set rate=nan", ["rate=nan: rate is a number from 0.0001 to 1."]),
    ("run RING --set rate", ["--set rate: write NAME=VALUE"]),
    ("run RING --compare wid", ["unknown comparison 'wid'. Did you mean 'wide'?"]),
    ("run RING --compare ,", ["--compare names no comparison."]),
    ("run RING --seeds 0", ["seeds=0: seeds is a whole number from 1 to 900."]),
    ("run RING --seeds few", ["--seeds few: a whole number is needed."]),
    ("run RING --jobs 0", ["jobs=0: jobs is a whole number from 1 to 256."]),
    ("run RING --device cudo", ['Did you mean "cuda"?']),
    (
        "run RING --seeds 0 --jobs 999 --compare wid --set rat=1 --set rate=7 --set dropout=x",
        [
            "unknown setting 'rat'",
            "rate=7.0: rate is a number from 0.0001 to 1.",
            "dropout=x: dropout is a number from 0 to 1.",
            "seeds=0: ",
            "jobs=999: ",
            "unknown comparison 'wid'",
        ],
    ),
    # where a run is to go
    ("run RING --out full", ["full is not empty: it holds thesis.tex."]),
    ("run RING --out whole", ["whole already holds a run.", "`pilotlight run --resume whole`"]),
    ("run RING --out file", ["file is a file. `--out` names a new or an empty folder."]),
    ("run RING --out file/run", ["A part of the path is a file: file/run could not be written."]),
    ("run RING --out LONG", ["The name is too long: "]),
    ("run RING --out=", ["--out names no folder."]),
    ("run RING momentum --out new", ["--out new is the folder of one run."]),
    # runs
    *(
        (f"{command} {folder}", [said])
        for command in ("run --resume", "report")
        for folder, said in (
            ("nowhere", "There is no folder nowhere. `pilotlight runs` lists the runs."),
            ("full", "full is not a run folder: it has no config.json."),
            ("file", "file is a file, not a run folder."),
            ("cut", "config.json is damaged"),
            ("foreign", "foreign is not a run that Pilotlight wrote: its config.json lacks lab,"),
            ("newer", "in format 99; this Pilotlight reads up to format 1. Update Pilotlight."),
            ("torn", "journal.jsonl is damaged: line 4 is not an event"),
            ("cut_result", "result.json is damaged"),
        )
    ),
    ("run --resume whole --seeds 3", ["Leave out --seeds."]),
    ("runs --root nowhere", ["--root nowhere: there is no such folder."]),
]


@pytest.mark.parametrize(("typed", "said"), ASKED, ids=[typed for typed, _ in ASKED])
def test_wrong_use_is_told_and_nothing_is_touched(typed, said, line):
    before = contents(line.folder)
    words = [{"RING": str(RING), "LONG": "x" * 300}.get(word, word) for word in typed.split()]
    done = line(*words)
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err
    for part in said:
        assert part in done.err
    assert contents(line.folder) == before
    assert not (line.folder / "runs").exists()


def test_where_nobody_may_write(pilotlight):
    """Even an administrator may make no folder in /proc/self/fd."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no /proc here")
    done = pilotlight("run", RING, "--out", "/proc/self/fd/run")
    assert (done.code, done.out) == (2, "")
    assert "/proc/self/fd/run could not be written. Nothing was started;" in done.err
