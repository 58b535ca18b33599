"""One self-contained HTML page of a run: nothing is loaded, nothing runs, everything is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from pilotlight.core.report import MemberRow, Report
from pilotlight.present import words
from pilotlight.present.movies import Film
from pilotlight.present.palette import DARK
from pilotlight.present.spread import finals

SPLIT_COLUMNS = ("seed", "rule", "train", "validation", "test", "hash")
HASH_LETTERS = 12
TAG, STYLE = re.compile(r"<[^>]*>"), re.compile(r'\bstyle="[^"]*"')
COLOUR = re.compile(r"#[0-9a-f]{6}\b")


def page(
    report: Report,
    figures: Sequence[tuple[str, str, str]],
    movie: Film | None = None,
    stills: Sequence[tuple[str, str, str]] = (),
) -> str:
    """The whole page. `figures` are (title, caption, SVG): the main one first, then curves.

    `stills`, of the same form, show what networks say at the end.

    `report.about` may hold plan, device, data, network, splits, energy, command, started, scope;
    what is missing is left out.
    """
    shown = [
        (title, caption, _inline(svg, f"f{i}-", f"{title}. {caption}"))
        for i, (title, caption, svg) in enumerate((*figures, *stills))
    ]
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            report=report,
            figures=shown[: len(figures)],
            stills=shown[len(figures) :],
            movie=movie,
            filmed=seed_words(m.seed for m in report.members if m.snapshots),
            about=report.about,
            comparisons=_comparisons(report),
            training=training_words(report),
            splits=_splits(report),
            environment=_about_the_machine(report),
            dark=DARK,
        )
    )


def verdict_table(report: Report) -> str:
    """An HTML table of verdicts and exhibits that needs no style sheet, for notebooks."""
    return _environment().get_template("verdicts.html.jinja").render(report=report)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_template),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": lambda x: words.minus(words.number(x)),
        "said": lambda x: words.minus(words.said(x)),
        "minus": words.minus,
        "code": _code,
        "links": _links,
        "paragraphs": _paragraphs,
        "count": words.count,
    }
    environment.globals |= {"words": words}
    return environment


def _template(name: str) -> str:
    return files("pilotlight.present").joinpath(name).read_text(encoding="utf-8")


def _code(text: str) -> Markup:
    """Text with what stands between backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a backtick without its partner is only a backtick
        return escape(text)
    marked = (
        Markup("<code>{}</code>").format(p) if i % 2 else escape(p) for i, p in enumerate(parts)
    )
    return Markup("").join(marked)


def _paragraphs(text: str) -> list[Markup]:
    return [_code(p) for p in re.split(r"\n\s*\n", text.strip()) if p]


def _links(text: str) -> Markup:
    """Text with its web addresses as links; nothing else becomes a link."""
    link = Markup('<a href="{0}" rel="noopener noreferrer">{0}</a>')
    parts = re.split(r"(https?://[^\s<>\"']*[^\s<>\"'.,;:)\]])", text)
    return Markup("").join(link.format(p) if i % 2 else escape(p) for i, p in enumerate(parts))


def _inline(svg: str, prefix: str, label: str) -> Markup:
    """An SVG made by `figures.to_svg`, fit to stand in a page beside others.

    Its names get a prefix and its size follows the page. If all its colours are the house's, they
    become variables, so that a dark page shows their partners; else it keeps its own, on white.
    """
    head, body = svg[svg.index("<svg") :].split(">", 1)
    view = re.search(r'viewBox="[-\d. ]+"', head)
    ours = set(COLOUR.findall(" ".join(STYLE.findall(body)))) <= set(DARK)
    body = TAG.sub(lambda tag: _tag(tag[0], prefix, ours), body)
    opening = Markup('<svg class="{}" role="img" aria-label="{}" {}>').format(
        "house" if ours else "own", label, Markup(view[0] if view else "")
    )
    return opening + Markup(body)


def _tag(tag: str, prefix: str, ours: bool) -> str:
    """One tag of an SVG with its names and colours changed; the text between tags stays."""
    tag = re.sub(r'\bid="', f'id="{prefix}', tag)
    tag = tag.replace("url(#", f"url(#{prefix}").replace("xlink:href=", "href=")
    tag = tag.replace('href="#', f'href="#{prefix}')
    return STYLE.sub(_themed, tag) if ours else tag


def _themed(style: re.Match[str]) -> str:
    return COLOUR.sub(lambda colour: f"var(--c{colour[0][1:]}, {colour[0]})", style[0])


def _comparisons(report: Report) -> dict[str, Any]:
    """What was compared: settings that all share, those that differ, and the final values."""
    first = {c: words.networks_of(report, c)[0] for c in report.comparisons}
    names = list(dict.fromkeys(n for row in first.values() for n in row.settings))
    differing = [n for n in names if len({str(r.settings.get(n)) for r in first.values()}) > 1]
    metrics = list(dict.fromkeys(k for m in report.members for k in m.final))
    shared = {
        n: row.settings[n] for row in first.values() for n in row.settings if n not in differing
    }
    rows = [_comparison(report, row, differing, metrics) for row in first.values()]
    seeds = {row["seeds"] for row in rows}
    return {
        "shared": shared,
        "seeds": next(iter(seeds)) if len(seeds) == 1 else "",  # once, if equal for all
        "differing": differing,
        "metrics": metrics,
        "rows": rows,
    }


def _comparison(
    report: Report, first: MemberRow, differing: Sequence[str], metrics: Sequence[str]
) -> dict[str, Any]:
    name = first.comparison
    networks = words.networks_of(report, name)
    return {
        "name": name,
        "settings": [
            words.said(first.settings[n]) if n in first.settings else "" for n in differing
        ],
        "seeds": seed_words(m.seed for m in networks),
        "networks": len(networks),
        "diverged": sum(m.diverged_at is not None for m in networks),
        "stopped": sum(m.stopped_at is not None for m in networks),
        "results": [summary_words(finals(report, metric)[name]) for metric in metrics],
    }


def summary_words(values: Sequence[float]) -> tuple[str, str]:
    """Mean, and lowest to highest of the networks behind it: (`0.946`, `0.931 to 0.958`)."""
    if not values:
        return "", ""
    mean, low, high = words.alike(sum(values) / len(values), min(values), max(values))
    return mean, "one network" if len(values) == 1 else f"{low} to {high}"


def seed_words(seeds: Iterable[int]) -> str:
    """`1000 to 1011`, or the list where there are gaps."""
    ordered = sorted(set(seeds))
    if len(ordered) > 2 and all(b - a == 1 for a, b in pairwise(ordered)):
        return f"{ordered[0]} to {ordered[-1]}"
    return ", ".join(map(str, ordered))


def training_words(report: Report) -> list[str]:
    """How the plan let the networks train: together, or one by one and why."""
    cohorts: Sequence[Mapping[str, Any]] = (report.about.get("plan") or {}).get("cohorts") or ()
    sizes: dict[tuple[bool, str], list[int]] = {}
    for cohort in cohorts:
        key = bool(cohort["stacked"]), str(cohort["why"])
        sizes.setdefault(key, []).append(len(cohort["members"]))
    return [_group_words(stacked, why, found) for (stacked, why), found in sizes.items()]


def _group_words(stacked: bool, why: str, sizes: Sequence[int]) -> str:
    how = "one by one"
    if stacked:
        how = "in one group" if len(sizes) == 1 else f"in {len(sizes)} groups"
    return f"{words.count(sum(sizes), 'network')} {how}: {why}."


def _splits(report: Report) -> dict[str, Any]:
    """The columns that any split has, and the rows in words; hashes by their first letters."""
    splits: Sequence[Mapping[str, Any]] = report.about.get("splits") or ()
    heads = [h for h in SPLIT_COLUMNS if any(s.get(h) is not None for s in splits)]
    rows = [[_split_words(h, s.get(h)) for h in heads] for s in splits]
    return {"heads": heads, "rows": rows}


def _split_words(head: str, value: Any) -> str:
    if value is None:
        return ""
    if head == "hash":
        return str(value)[:HASH_LETTERS]
    return str(value) if head == "seed" else words.said(value)


def _about_the_machine(report: Report) -> dict[str, str]:
    about = report.about
    plain = {
        "command": about.get("command"),
        "started": about.get("started"),
        "time": words.seconds(report.seconds),
        "device": about.get("device"),
        "energy": about.get("energy") or "unknown",
        "run folder": report.run,
    }
    return {k: words.said(v) for k, v in (plain | dict(report.versions)).items() if v}
