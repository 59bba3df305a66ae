"""The page that asks, as a script."""

import gc
import re
import sys

import pytest
import srsly

from spacy_bio_ner.asking.journal import open_journal
from spacy_bio_ner.util import InputError

from ..asking.conftest import (
    unsure,  # noqa: F401
    unsure_bytes,  # noqa: F401
)
from ..conftest import ROOT, TEXTS

pytest.importorskip("streamlit", reason="needs the extra [demo]")
from streamlit.testing.v1 import AppTest  # noqa: E402

SCRIPT = ROOT / "examples" / "ask.py"


@pytest.fixture
def page(unsure, tmp_path, monkeypatch):  # noqa: F811
    unsure.to_disk(tmp_path / "model")
    (tmp_path / "texts.txt").write_text("\n".join(text for text, _ in TEXTS), encoding="utf8")

    def run(*args):
        args = args or (tmp_path / "model", tmp_path / "texts.txt", tmp_path / "answers.jsonl")
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, args)])
        return AppTest.from_file(str(SCRIPT), default_timeout=60).run()

    return run


def answers(tmp_path):
    return list(srsly.read_jsonl(tmp_path / "answers.jsonl"))


def button(app, label):
    [found] = [button for button in app.button if button.label == label]
    return found


def shown(app):
    return " ".join(re.sub(r"<[^>]*>", " ", app.get("html")[0].proto.body).split())


def test_answers_are_on_disk_before_the_next_question(page, tmp_path):
    app = page()
    assert not app.exception and not app.error
    for n, (label, verdict) in enumerate([("Yes", "accept"), ("No", "reject"), ("Skip", "ignore")], 1):
        question = app.subheader[0].value
        text_before = shown(app)
        button(app, label).click().run()
        assert not app.exception and app.caption[0].value == f"{n} answered"
        written = answers(tmp_path)
        assert [answer["answer"] for answer in written][-1] == verdict and len(written) == n
        if question.startswith("Is this"):
            [span] = written[-1]["spans"]
            asked = written[-1]["text"][span["start"] : span["end"]]
            assert f"{asked} {span['label']}?" in text_before and f"Is this {span['label']}?" in question
    button(app, "Undo").click().run()
    assert len(answers(tmp_path)) == 2 and app.caption[0].value == "2 answered"


def test_a_question_is_answered_once_on_two_pages(page, tmp_path):
    first, second = page(), page()
    assert first.subheader[0].value == second.subheader[0].value
    button(first, "Yes").click().run()
    button(second, "No").click().run()
    assert [answer["answer"] for answer in answers(tmp_path)] == ["accept"]
    assert second.caption[0].value == "1 answered" and shown(second) == shown(first)


def test_nobody_else_answers_into_the_file_while_the_page_is_served(page, tmp_path):
    app = page()
    button(app, "Yes").click().run()
    gc.collect()
    with pytest.raises(InputError, match="somebody is answering into it"):
        with open_journal(tmp_path / "answers.jsonl"):
            pass


def test_what_cannot_be_read(page, tmp_path):
    assert "Expected a pipeline" in page(tmp_path / "model").error[0].value
    app = page(tmp_path / "model", tmp_path / "none.txt", tmp_path / "answers.jsonl")
    assert "none.txt" in app.error[0].value and not app.exception
    (tmp_path / "bad.jsonl").write_text("no answers\n", encoding="utf8")
    app = page(tmp_path / "model", tmp_path / "texts.txt", tmp_path / "bad.jsonl")
    assert "bad.jsonl" in app.error[0].value and not app.exception
