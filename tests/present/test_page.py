"""The page is well-formed, complete, self-contained, and escapes whatever it is given."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from matplotlib.figure import Figure

from pilotlight.core.report import Report
from pilotlight.present.figures import illustrations
from pilotlight.present.page import (
    page,
    seed_words,
    summary_words,
    training_words,
    verdict_table,
)
from pilotlight.present.palette import DARK

VOID = {"br", "meta", "img", "link", "hr", "input"}
KINDS = ["statistical", "exact", "exploring", "stopped", "hostile"]


class Page(HTMLParser):
    """Reads a page strictly: every element is closed, in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len(dict(attrs)), f"an attribute twice in {tag}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self.open[-1] != "style":
            self.texts.append((self.open[-1], " ".join(data.split())))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def shown(self) -> str:
        """All text, in order."""
        return " ".join(text for _, text in self.texts)


@pytest.fixture(params=KINDS, scope="module")
def any_page(request) -> Page:
    """The page of each kind of run."""
    report = request.getfixturevalue(request.param)
    return Page(page(report, illustrations(report)))


@pytest.fixture(scope="module")
def whole(statistical: Report) -> Page:
    """The page of a statistical run with all its figures."""
    return Page(page(statistical, illustrations(statistical)))


def read(report: Report) -> Page:
    """The page of a report, without figures, which take the most time."""
    return Page(page(report, []))


def test_nothing_is_loaded_and_nothing_runs(any_page: Page):
    names = {tag for tag, _ in any_page.elements}
    assert not names & {"script", "link", "iframe", "object", "embed", "img", "base", "form"}
    for tag, attributes in any_page.elements:
        assert not [a for a in attributes if a.startswith("on")], tag
        for name, value in attributes.items():
            if re.search(r"https?:|javascript:|//", value or ""):
                assert (tag, name) == ("a", "href")
                assert value.startswith("https://proceedings.mlr.press/")
    (policy,) = [m for m in any_page.all("meta") if m.get("http-equiv")]
    assert policy["content"].startswith("default-src 'none'")


def test_the_style_loads_nothing(statistical: Report):
    text = page(statistical, [])
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_what_does_not_apply_is_said_in_words(any_page: Page):
    assert not re.search(r"\b(nan|none|null|inf|undefined)\b", any_page.shown, re.IGNORECASE)


def test_names_in_the_page_are_unique_and_found(any_page: Page):
    ids = Counter(a["id"] for _, a in any_page.elements if "id" in a)
    assert not [name for name, n in ids.items() if n > 1]
    pointing = [a["aria-labelledby"] for a in any_page.all("section")]
    assert set(pointing) <= set(ids)
    inside = {
        found
        for _, attributes in any_page.elements
        for value in attributes.values()
        for found in re.findall(r"url\(#([^)]+)\)", value or "")
    }
    inside |= {a["href"][1:] for a in any_page.all("use")}
    assert inside
    assert inside <= set(ids)


def test_headings_go_down_one_at_a_time(any_page: Page):
    levels = [int(tag[1]) for tag, _ in any_page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_tables_have_captions_and_pictures_have_words(any_page: Page):
    assert len(any_page.all("caption")) == len(any_page.all("table"))
    assert all(a.get("aria-label") for _, a in any_page.elements if a.get("class") == "scroll")
    for svg in any_page.all("svg"):
        assert svg["role"] == "img"
        assert len(svg["aria-label"]) > 20
        assert "viewbox" in svg
        assert "width" not in svg


def test_verdicts_come_first_with_all_that_belongs_to_them(whole: Page):
    heads = [text for tag, text in whole.texts if tag == "h2"]
    assert heads == [
        "Verdicts",
        "What the run shows",
        "The idea",
        "What was done",
        "Exhibits",
        "Curves",
        "Notes",
        "Splits",
        "Environment",
        "Settings known to go wrong",
        "Read more",
        "The plain script",
    ]
    for words in (
        "Does momentum need fewer steps, and why?",
        "supported , as expected",
        "refuted , not as expected: the lab expects undecided",
        "+0.201 accuracy (heavy_ball minus plain), 99.67 % interval 0.152 to 0.251",
        "5 seeds, p < 0.0001. Claimed: at least 0.05 accuracy. Test: paired t, Holm over 3 claims",
        "Scope: digits 8x8, 1,078 rows for training, MLP 64-64-10",
        "−3.4 epochs",
        "1 of 5 networks of larger_step diverged and counts as the worst seen.",
        "15 networks in 3 comparisons, 3.7 seconds",
        "digits, rows: 1,797, classes: 10, source: scikit-learn",
        "batch: 64, epochs: 15",
        "15 networks in one group: equal shapes, trained together.",
        "seeds 1000 to 1004, the same for each comparison",
        "larger_step 0 0.1 5, 1 diverged",
        "error 3.1e-14, tolerance 1e-9",
        "1, 2, 3, 4, 5, 6, 7, 8, ... (40 values)",
        "1002 holdout 60/20/20, by class 1,078 359 360 2f3a9c0d1e2b",
        "pilotlight run momentum --seeds 5",
        "energy unknown",
        "torch 2.13.0",
        "pilotlight run momentum --set rate=3",
        "Every step overshoots",
        "loss = model(x) < y # a & b",
    ):
        assert words in whole.shown, words
    assert ("code", "velocity") in whole.texts


def test_final_values_stand_with_their_spread(statistical: Report):
    values = [m.final["test_accuracy"] for m in statistical.members if m.comparison == "heavy_ball"]
    mean, low, high = sum(values) / 5, min(values), max(values)
    assert f"{mean:.3f} {low:.3f} to {high:.3f}" in read(statistical).shown


def test_a_stopped_run_says_so_before_anything_else(stopped: Report):
    shown = read(stopped).shown
    first = shown.index("This run was stopped before its end")
    assert first < shown.index("Effects, without verdicts")
    assert "To go on: pilotlight run --resume runs/momentum-20250131-8c1f" in shown
    running = replace(stopped, state="running")
    assert "This run is still running" in read(running).shown
    assert "To go on" not in read(running).shown


def test_a_run_for_exploring_gives_reasons_and_no_verdict(exploring: Report):
    shown = read(exploring).shown
    assert "For exploring: no verdict." in shown
    assert "Why: 1 seed instead of 12; rate was changed to 0.02." in shown
    assert "supported" not in shown
    assert "Verdicts" not in shown
    assert "one network" in shown


def test_an_exact_lab_has_no_empty_sections(exact: Report):
    found = Page(page(exact, illustrations(exact)))
    heads = [text for tag, text in found.texts if tag == "h2"]
    assert heads == ["What the run shows", "Exhibits", "Environment"]
    assert "failed : error not finite, tolerance 1e-6" in found.shown


def test_hostile_texts_are_shown_as_they_are(hostile: Report):
    found = read(hostile)
    assert ("h1", "<script>alert('x')</script> é ü 训练 & $x_1$") in found.texts
    assert "</code></pre><script>alert(2)</script>" in found.shown
    assert "javascript:alert(1)" in found.shown
    assert not found.all("a")


def test_addresses_become_links_without_their_full_stop(statistical: Report):
    report = replace(statistical, read_more=("See https://example.org/a_(b)?c=1&d=2, and so on.",))
    (link,) = read(report).all("a")
    assert link["href"] == "https://example.org/a_(b)?c=1&d=2"
    assert "noopener" in link["rel"]


def test_the_colours_of_figures_follow_the_page(statistical: Report):
    text = page(statistical, illustrations(statistical))
    used = set(re.findall(r"var\(--c([0-9a-f]{6}), #\1\)", text))
    assert {f"#{c}" for c in used} <= set(DARK)
    assert len(used) >= 5
    for light, dark in DARK.items():
        assert f"--c{light[1:]}: {light};" in text
        assert f"--c{light[1:]}: {dark};" in text


def test_a_picture_in_other_colours_keeps_them_on_white(statistical: Report):
    def picture(report: Report, figure: Figure) -> None:
        figure.add_subplot().plot([0, 1], [0, 1], color="#123456")

    (main, *_) = illustrations(statistical, picture)
    text = page(statistical, [main])
    assert "stroke: #123456" in text
    assert "var(--c5a6472, #5a6472)" not in text
    (svg,) = Page(text).all("svg")
    assert svg["class"] == "own"


def test_text_in_a_picture_is_left_as_it_is(statistical: Report):
    rows = tuple(replace(m, comparison='id="a" style="#1d2430" #') for m in statistical.members[:5])
    report = replace(statistical, members=rows, claims=())
    assert ("text", 'id="a" style="#1d2430" #') in Page(page(report, illustrations(report))).texts


def test_everything_in_about_may_be_missing(statistical: Report):
    shown = read(replace(statistical, about={})).shown
    assert "energy unknown" in shown
    assert "Splits" not in shown
    sparse = {"data": None, "plan": {"members": []}, "splits": [{"seed": 3, "hash": None}]}
    assert "1 split " in read(replace(statistical, about=sparse)).shown


def test_many_splits_are_folded_away(statistical: Report):
    split = statistical.about["splits"][0]
    many = replace(statistical, about={"splits": [split | {"seed": k} for k in range(20)]})
    (details, _script) = read(many).all("details")
    assert "open" not in details
    (details, _script) = read(statistical).all("details")
    assert "open" in details


def test_seeds_that_differ_stand_with_their_comparisons(statistical: Report):
    rows = tuple(
        replace(m, seed=m.seed + 5) if m.comparison == "plain" else m for m in statistical.members
    )
    shown = read(replace(statistical, members=rows)).shown
    assert "5 seeds 1005 to 1009" in shown
    assert "5 seeds 1000 to 1004" in shown
    assert "the same for each comparison" not in shown


def test_a_page_without_figures_is_whole(statistical: Report):
    assert "What the run shows" not in read(statistical).shown


def test_the_same_report_gives_the_same_page(statistical: Report):
    first = page(statistical, illustrations(statistical))
    assert first == page(statistical, illustrations(statistical))


def test_networks_that_trained_alone_are_told_with_the_reason(statistical: Report):
    plan = {
        "cohorts": [
            {"members": [0, 1], "stacked": True, "why": "equal shapes, trained together"},
            {"members": [2, 3], "stacked": True, "why": "equal shapes, trained together"},
            {"members": [4], "stacked": False, "why": "nn.LSTM cannot be stacked"},
            {"members": [5], "stacked": False, "why": "nn.LSTM cannot be stacked"},
        ]
    }
    assert training_words(replace(statistical, about={"plan": plan})) == [
        "4 networks in 2 groups: equal shapes, trained together.",
        "2 networks one by one: nn.LSTM cannot be stacked.",
    ]


def test_seeds_and_summaries_are_short():
    assert seed_words([1002, 1000, 1001]) == "1000 to 1002"
    assert seed_words([1, 3]) == "1, 3"
    assert seed_words([7]) == "7"
    assert summary_words([0.5]) == ("0.5", "one network")
    assert summary_words([]) == ("", "")


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_for_notebooks_is_whole_and_escaped(kind, request):
    report = request.getfixturevalue(kind)
    found = Page(verdict_table(report))
    assert len(found.all("table")) == bool(report.claims) + bool(report.exhibits)
    assert len(found.all("tr")) >= len(report.claims) + len(report.exhibits)
    assert not found.all("script")
    assert not re.search(r"\b(nan|none|null|inf)\b", found.shown, re.IGNORECASE)
