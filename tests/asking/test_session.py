"""Which question comes next, and what an answer changes. A gold annotation answers."""

import random
from collections import Counter

import pytest
import spacy
from spacy.cli import app
from spacy.training import Corpus
from typer.testing import CliRunner

import spacy_bio_ner.cli  # noqa: F401  (adds the commands)
from spacy_bio_ner.asking import session as module
from spacy_bio_ner.asking.journal import Journal
from spacy_bio_ner.asking.session import ALL_EVERY, Session
from spacy_bio_ner.corpora.answers import ACCEPT, IGNORE, REJECT

from ..conftest import TEXTS

GOLD = {text: set(ents) for text, ents in TEXTS}
PILE = [(text, f"d{i}") for i, text in enumerate(GOLD)]


def start(nlp, path, texts=PILE):
    return Session(nlp, texts, Journal(path))


def truth(asking):
    gold = GOLD[asking.text.text]
    if asking.question is None:
        return ACCEPT if set(asking.text.all()) == gold else REJECT
    return ACCEPT if asking.question.place in gold else REJECT


def name(asking):
    return asking.text.text, asking.question and asking.question.place


def answer_all(session, most=1000):
    asked = []
    while (asking := session.next()) is not None and len(asked) < most:
        asked.append(name(asking))
        session.answer(truth(asking))
    return asked


def test_it_asks_until_the_pipeline_is_sure_and_never_twice(unsure, tmp_path):
    session = start(unsure, tmp_path / "a.jsonl", [*PILE, *PILE, ("", "empty"), ("  ", "blank")])
    asked = answer_all(session)
    assert len(set(asked)) == len(asked) > len(PILE)
    assert session.next() is None
    answers = Journal(tmp_path / "a.jsonl").answers
    assert [(a.record.text, a.record.document) for a in answers][:1] == [(asked[0][0], dict(PILE)[asked[0][0]])]
    assert [a.verdict for a in answers].count(ACCEPT) > 0 < [a.verdict for a in answers].count(REJECT)


def test_first_comes_what_it_knows_least_about_one_for_each_text_and_other_words(unsure, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ALL_CHARACTERS", 0)
    first = start(unsure, tmp_path / "a.jsonl", [*PILE, ("Asthma again", "again")])
    rows, words = [], Counter()
    for _ in range(len(PILE) + 1):
        asking = first.next()
        span = asking.text.text[asking.question.start : asking.question.end].lower(), asking.question.label
        rows.append((asking.text.text, words[span], abs(asking.question.probability - 0.5)))
        words[span] += 1
        first.answer(IGNORE)
    texts, times, doubts = zip(*rows)
    assert len(set(texts)) == len(texts)
    assert list(times) == sorted(times)
    assert list(doubts) == sorted(doubts) or len(set(times)) > 1


def test_a_second_start_goes_on_where_one_stopped(unsure, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ALL_CHARACTERS", 0)  # "Is that all?" is asked right after an answer or not at all
    whole = answer_all(start(unsure, tmp_path / "whole.jsonl"))
    parts = []
    while part := answer_all(start(unsure, tmp_path / "parts.jsonl"), most=2):
        parts += part
    assert parts == whole


@pytest.mark.parametrize("seed", range(4))
def test_any_course_leaves_the_answers_that_were_not_taken_back(unsure, tmp_path, seed, monkeypatch):
    monkeypatch.setattr(module, "ALL_EVERY", 2)
    monkeypatch.setattr(module, "ALL_FURTHER", 2.0)
    rng, path = random.Random(seed), tmp_path / "a.jsonl"
    session, expected = start(unsure, path), []
    for _ in range(40):
        asking = session.next()
        course = rng.random()
        if course < 0.25:
            assert session.undo() == bool(expected)
            if expected:
                undone, _ = expected.pop()
                assert name(session.next()) == undone  # and is asked again
        elif course < 0.35:
            session = start(unsure, path)
        elif asking is not None:
            verdict = rng.choice([truth(asking), IGNORE])
            assert name(asking) not in [one for one, _ in expected]
            session.answer(verdict)
            expected.append((name(asking), verdict))
        written = [(a.record.text, a.verdict, a.is_binary) for a in Journal(path).answers]
        assert written == [(text, verdict, place is not None) for (text, place), verdict in expected]


def test_is_that_all_is_asked_now_and_then(unsure, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ALL_FURTHER", 100.0)
    session = start(unsure, tmp_path / "a.jsonl")
    asked = answer_all(session)
    places = [i for i, (_, place) in enumerate(asked) if place is None]
    assert places and places[0] == ALL_EVERY
    for i in places:
        text, _ = asked[i]
        assert asked[i - 1][0] == text  # right after an answer about the same text
    complete = [a for a in Journal(tmp_path / "a.jsonl").answers if not a.is_binary and a.verdict == ACCEPT]
    for one in complete:
        assert {(m.start, m.end, m.label) for m in one.record.mentions} == GOLD[one.record.text]


def test_a_text_that_is_complete_is_not_asked_about(unsure, tmp_path):
    text = TEXTS[0][0]
    (tmp_path / "a.jsonl").write_text(f'{{"text": "{text}", "spans": []}}\n')
    session = start(unsure, tmp_path / "a.jsonl")
    assert not session.undo()  # nobody was asked about it
    asked = answer_all(session)
    assert asked and text not in [one for one, _ in asked]


def test_questions_for_another_tool_are_in_the_order_of_those_asked_here(unsure, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ALL_CHARACTERS", 0)
    pile = [*PILE, ("Aspirin and penicillin", "x"), ("Asthma after Aspirin", "y"), ("Fever", "z")]
    written = [name(asking) for asking in start(unsure, tmp_path / "a.jsonl", pile).questions()]
    session = start(unsure, tmp_path / "b.jsonl", pile)
    asked = []
    for _ in written:
        asked.append(name(session.next()))
        session.answer(IGNORE)
    assert asked == written and len(written) == len(pile)


def test_more_texts_are_looked_at_when_nothing_is_left(unsure, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "POOL", 30)
    session = start(unsure, tmp_path / "a.jsonl")
    session.next()
    assert session.n_texts == 1
    assert {text for text, _ in answer_all(session)} == set(GOLD)
    assert session.n_texts == len(PILE)


def test_answers_become_a_corpus(unsure, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ALL_FURTHER", 100.0)
    answer_all(start(unsure, tmp_path / "answers.jsonl"))
    result = CliRunner().invoke(
        app, ["bio-ner", "convert", str(tmp_path / "answers.jsonl"), str(tmp_path / "corpus" / "answers")]
    )
    assert result.exit_code == 0, result.output
    complete = {
        a.record.text for a in Journal(tmp_path / "answers.jsonl").answers if not a.is_binary and a.verdict == ACCEPT
    }
    docs = [example.reference for example in Corpus(tmp_path / "corpus")(spacy.blank("en"))]
    assert {doc.text for doc in docs} <= set(GOLD) and complete
    for doc in docs:
        ents = {(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents}
        rejected = {(span.start_char, span.end_char, span.label_) for span in doc.spans.get("incorrect_spans", ())}
        assert ents <= GOLD[doc.text] and not rejected & GOLD[doc.text]
        outside = [token for token in doc if not token.ent_type]
        assert {token.ent_iob for token in outside} <= {2 if doc.text in complete else 0}
        assert ents == GOLD[doc.text] or doc.text not in complete
