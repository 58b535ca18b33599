"""Generated documents: what they hold, and that none is out of step with the code."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from types import ModuleType
from typing import Annotated

import pytest
from cyclopts import App, Parameter

from pilotlight.cli.commands import app
from pilotlight.labs.catalogue import Entry

DOCUMENTS = [
    "ARCHITECTURE.md",
    "docs/commands.md",
    "docs/labs.md",
    "docs/practice.md",
    "docs/quickstart.ipynb",
    "web/src/lib/types.ts",
]


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """What the script reads and writes, for a test to change."""
    shutil.copytree(root / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "docs").mkdir()
    for name in ("ARCHITECTURE.md", "pyproject.toml", "docs/quickstart.py"):
        shutil.copy(root / name, tmp_path / name)
    return tmp_path


def stale(generate: ModuleType, root: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The files that --check names; its exit code says whether there are any."""
    capsys.readouterr()
    code = generate.main(["--check"], root)
    named = [line.split(" is not in step")[0] for line in capsys.readouterr().out.splitlines()]
    assert code == (1 if named else 0)
    return sorted(named)


def test_all_documents_are_in_step(
    generate: ModuleType, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stale(generate, root, capsys) == []


def test_check_names_what_is_stale_and_writes_nothing(
    generate: ModuleType, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = sorted({*stale(generate, copy, capsys), "ARCHITECTURE.md"})
    assert missing == DOCUMENTS
    assert not (copy / "docs/labs.md").exists()
    assert generate.main([], copy) == 0
    assert stale(generate, copy, capsys) == []
    for path, old, new in [
        ("src/pilotlight/core/errors.py", '"""Errors written', '"""Mistakes written'),
        ("docs/quickstart.py", "Ten minutes", "Twelve minutes"),
        ("docs/labs.md", "momentum", "momentun"),
        ("docs/practice.md", "momentum", "momentun"),
        ("docs/commands.md", "--quick", "--quicker"),
        ("web/src/lib/types.ts", "interface", "interfacee"),
    ]:
        text = (copy / path).read_text(encoding="utf-8")
        assert old in text
        (copy / path).write_text(text.replace(old, new), encoding="utf-8")
    assert stale(generate, copy, capsys) == DOCUMENTS
    generate.main([], copy)
    assert stale(generate, copy, capsys) == []
    assert "`errors.py` Mistakes written" in (copy / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_other_words_are_refused(generate: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--chek"]) == 2
    assert "--chek" in capsys.readouterr().out


# Commands


def test_help_becomes_lists(generate: ModuleType) -> None:
    small = App("small", help="A small one.", help_format="plaintext", help_formatter="plain")

    @small.command
    def press(
        fruit: Annotated[str, Parameter(help="Which fruit: any.")],
        /,
        *,
        hard: Annotated[bool, Parameter(help="Press hard.", negative="")] = False,
    ) -> None:
        """Press a fruit.

        Example: small press lemon --hard
        """

    page = generate.commands_page(small)
    assert "\nA small one.\n" in page
    assert "- `press`: Press a fruit.\n" in page
    own = page.partition("\n## press\n")[2]
    assert "Usage: `small press [OPTIONS] FRUIT`\n" in own
    assert "\nExample: `small press lemon --hard`\n" in own
    assert re.search(r"\n\*\*Arguments\*\*\n\n- `FRUIT`: Which fruit: any\.", own)
    assert re.search(r"\n\*\*Parameters\*\*\n\n- `--hard`: Press hard\.", own)


def test_every_command_and_option_is_there(generate: ModuleType) -> None:
    page = generate.commands_page(app)
    for name in app:
        if not name.startswith("-"):
            own = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
            words = [argument.name for argument in app[name].assemble_argument_collection()]
            assert words
            assert [word for word in words if f"`{word}" not in own] == []


# Labs


def test_labs_stand_in_a_table_by_area(generate: ModuleType) -> None:
    entry = Entry(
        name="two-words",
        area="vision",
        week=2,
        needs=("momentum", "adam"),
        question="Is a|b?",
        systems=(),
        seconds=40,
        expected={"one": "supported", "two": "refuted", "three": "supported"},
        path=Path("somewhere/vision/two_words.py"),
        exhibits=("exact",),
    )
    page = generate.labs_page([entry])
    assert "\n## Vision\n" in page
    link = "[two-words](../src/pilotlight/labs/vision/two_words.py)"
    told = "2 | momentum, adam | about 40 seconds | 2 supported, 1 refuted, 1 exhibit |"
    assert f"\n| {link} | Is a\\|b? | {told}\n" in page


def test_every_lab_is_listed(root: Path) -> None:
    page = (root / "docs/labs.md").read_text(encoding="utf-8")
    files = (root / "src/pilotlight/labs").glob("*/[!_]*.py")
    assert [f for f in files if f"]({'../' + f.relative_to(root).as_posix()})" not in page] == []


def test_every_exercise_is_listed_with_its_known_mistakes(root: Path) -> None:
    page = (root / "docs/practice.md").read_text(encoding="utf-8")
    files = (root / "src/pilotlight/practice/exercises").glob("[!_]*.py")
    assert [f for f in files if f"]({'../' + f.relative_to(root).as_posix()})" not in page] == []
    row = next(line for line in page.splitlines() if line.startswith("| [momentum]("))
    text = (root / "src/pilotlight/practice/exercises/momentum.py").read_text(encoding="utf-8")
    assert row.endswith(f"| 10 min | {text.count(' Wrong(')} | momentum |")


# Tree


def test_the_tree_goes_from_the_top_layer_down(generate: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[[tool.importlinter.contracts]]\nlayers = ['up | beside', 'down']\n", encoding="utf-8"
    )
    files = {
        "up/__init__.py": '"""Up."""',
        "up/z.py": '"""First of\ntwo lines. And more.\n\nMuch more."""',
        "up/inner/__init__.py": '"""Inner?"""',
        "up/inner/a.py": '"""Writes a .npy file: fine."""',
        "beside/__init__.py": '"""Beside."""',
        "down/__init__.py": '"""Down."""',
    }
    for name, text in files.items():
        path = tmp_path / "src" / "pilotlight" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert generate.tree(tmp_path).splitlines() == [
        "- **up/** Up.",
        "  - **up/inner/** Inner?",
        "    - `a.py` Writes a .npy file: fine.",
        "  - `z.py` First of two lines.",
        "- **beside/** Beside.",
        "- **down/** Down.",
    ]


def test_marks_that_are_gone_are_said(generate: ModuleType) -> None:
    marked = "a\n<!-- tree -->\nold\n<!-- /tree -->\nb\n"
    assert generate.between_marks(marked, r"\1") == marked.replace("old", r"\1")
    with pytest.raises(ValueError, match=r"ARCHITECTURE\.md lacks the marks"):
        generate.between_marks("a\n<!-- tree -->\nold\n", "new")


# Notebook and links


def test_a_notebook_is_made_the_same_way_each_time(generate: ModuleType) -> None:
    script = "# %% [markdown]\n# # Title\n\n# %%\nx = 1\nx  # noqa: B018\n"
    text = generate.notebook(script)
    assert text == generate.notebook(script)
    made = json.loads(text)
    assert [(c["cell_type"], "".join(c["source"])) for c in made["cells"]] == [
        ("markdown", "# Title"),
        ("code", "x = 1\nx"),
    ]
    assert made["metadata"]["kernelspec"]["name"] == "python3"


@pytest.mark.parametrize(
    "name", ["docs/labs.md", "docs/practice.md", "docs/commands.md", "docs/quickstart.py"]
)
def test_links_lead_somewhere(root: Path, name: str) -> None:
    text = (root / name).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert [to for to in links if not (root / "docs" / to).exists()] == []
