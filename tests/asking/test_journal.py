"""The file of answers: nothing that was answered is lost, and nothing half written is taken for an answer."""

import json
import os

import pytest

from spacy_bio_ner.asking.journal import Journal, encode, open_journal
from spacy_bio_ner.corpora.answers import ACCEPT, IGNORE, REJECT, Answer
from spacy_bio_ner.corpora.record import Mention, Record
from spacy_bio_ner.util import InputError

TEXT = "Lithium caused tremor \u2028and nausea."
LITHIUM, TREMOR = Mention(0, 7, "DRUG"), Mention(15, 21, "a label")


def answer(verdict, *mentions, text=TEXT, binary=True, document="1"):
    return Answer(Record(text=text, mentions=list(mentions), document=document), verdict, binary)


ANSWERS = [
    answer(ACCEPT, LITHIUM),
    answer(REJECT, TREMOR),
    answer(IGNORE, TREMOR, text=f"{TEXT} Again.", document=None),
    answer(ACCEPT, LITHIUM, binary=False),
]


def filled(path):
    journal = Journal(path)
    for one in ANSWERS:
        journal.add(one, 0.5)
    return journal


def test_answers_are_read_as_they_were_added(tmp_path):
    assert filled(tmp_path / "a.jsonl").answers == ANSWERS
    assert Journal(tmp_path / "a.jsonl").answers == ANSWERS
    assert [json.loads(line)["meta"]["score"] for line in (tmp_path / "a.jsonl").open()] == [0.5] * 4


@pytest.mark.parametrize("reopened", [False, True])
def test_answers_are_taken_back_one_by_one(tmp_path, reopened):
    path = tmp_path / "a.jsonl"
    journal = filled(path)
    for n in (3, 2, 1, 0):
        journal = Journal(path) if reopened else journal
        assert journal.take_back() == ANSWERS[n]
        assert Journal(path).answers == journal.answers == ANSWERS[:n]
    journal.add(ANSWERS[1])
    assert Journal(path).answers == ANSWERS[1:2]


def test_a_line_that_is_cut_anywhere_is_no_answer(tmp_path):
    path = tmp_path / "a.jsonl"
    filled(path)
    content = path.read_bytes()
    start = content[:-1].rfind(b"\n") + 1
    for end in range(start, len(content) + 1):
        path.write_bytes(content[:end])
        journal = Journal(path)
        assert journal.answers == (ANSWERS if end >= len(content) - 1 else ANSWERS[:3])
        journal.add(ANSWERS[3])
        assert Journal(path).answers == [*journal.answers[:-1], ANSWERS[3]]


def test_what_cannot_be_written_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "a.jsonl"
    journal = filled(path)
    before = path.read_bytes()

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(OSError):
            journal.add(ANSWERS[0])
    assert path.read_bytes() == before and journal.answers == ANSWERS


@pytest.mark.parametrize(
    "lines, message",
    [
        (['{"text": 1}'], ":1: text: found 1"),
        (["nothing"], ":1: "),
        (
            [json.dumps(encode(answer(ACCEPT, LITHIUM))), "", json.dumps(encode(answer(REJECT, LITHIUM)))],
            ":3: found 'Lithium' rejected as DRUG, but line 1 says otherwise: keep one",
        ),
        (
            [json.dumps(encode(answer(ACCEPT, binary=False))), json.dumps(encode(answer(ACCEPT, TREMOR)))],
            ":2: found 'tremor' accepted as a label, but line 1, which marks all of this text, says otherwise",
        ),
        (
            [json.dumps([encode(answer(ACCEPT, LITHIUM)), encode(answer(ACCEPT, TREMOR))])],
            "expected JSON Lines, an answer on each line",
        ),
    ],
    ids=["no text", "no JSON", "contradiction", "contradiction to all", "no lines"],
)
def test_a_file_with_something_else_is_named_and_left_as_it_is(tmp_path, lines, message):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(InputError) as error:
        Journal(path)
    assert str(path) in str(error.value) and message in str(error.value)
    assert path.read_text().rstrip("\n") == "\n".join(lines)


def test_two_do_not_answer_into_one_file(tmp_path):
    with open_journal(tmp_path / "new" / "a.jsonl") as journal:
        journal.add(ANSWERS[0])
        with pytest.raises(InputError, match="somebody is answering into it"):
            with open_journal(tmp_path / "new" / "a.jsonl"):
                pass
    with open_journal(tmp_path / "new" / "a.jsonl") as journal:
        assert journal.answers == ANSWERS[:1]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.jsonl"]
    with pytest.raises(InputError, match="found a folder"):
        with open_journal(tmp_path):
            pass
