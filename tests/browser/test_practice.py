"""Practice and own data in a browser."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from pilotlight.practice import catalogue, source

WRONG = "    velocity.mul_(momentum).add_(gradient)\n    weight.add_(rate * velocity)\n"


def answered(text: str, body: str) -> str:
    """A stub with its gap filled."""
    return re.sub(r"^    # Write .*\n    raise .*\n", body, text, flags=re.MULTILINE)


def test_an_answer_is_checked_here_and_when_another_editor_saves_it(page, app):
    page.goto(app.at("practice/momentum"))
    page.get_by_role("button", name="Give me a hint").click()
    expect(page.get_by_role("heading", name="Hints")).to_be_visible()
    page.get_by_role("button", name="Begin").click()
    editor = page.get_by_role("textbox", name=re.compile("Your answer"))
    expect(editor).to_be_visible()

    file = app.folder / "practice" / "momentum.py"
    editor.focus()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(answered(file.read_text(), WRONG))
    expect(page.get_by_text("not saved")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name=re.compile(r"of \d+ checks pass"))).to_be_visible()
    assert "weight.add_" in file.read_text()

    file.write_text(source.solution(catalogue.find("momentum").text))
    expect(page.get_by_role("heading", name="Solved.")).to_be_visible()
    expect(editor).to_contain_text("weight.sub_(rate * velocity)")
    page.get_by_role("link", name="Practice", exact=True).first.click()
    expect(page.get_by_text(re.compile("The check knows.* 1 of "))).to_be_visible()


def test_a_file_is_dropped_looked_at_and_its_question_is_asked(page, app, tmp_path):
    table = tmp_path / "rats.csv"
    rows = [f"{i % 3 / 10 + i / 100},{i % 7},{'ab'[i % 2]}" for i in range(60)]
    table.write_text("weight,day,kind\n" + "\n".join(rows) + "\n")
    page.goto(app.at("data"))
    page.locator("input[type=file]").set_input_files(table)
    expect(page.get_by_role("heading", name="rats.csv")).to_be_visible()
    page.get_by_role("combobox", name="What kind is for").select_option("predict this")
    expect(page.get_by_role("heading", name=re.compile("predict kind"))).to_be_visible()
    page.get_by_role("combobox", name="What day is for").select_option("leave it out")
    page.wait_for_url(re.compile("leave-out=day"))
    expect(page.get_by_role("button", name="Fit", exact=True)).to_be_enabled()


def test_a_file_that_cannot_be_read_is_refused_in_words(page, app, tmp_path):
    wrong = tmp_path / "notes.docx"
    wrong.write_bytes(b"PK")
    page.goto(app.at("data"))
    page.locator("input[type=file]").set_input_files(wrong)
    expect(page.get_by_role("alert")).to_contain_text("notes.docx")
