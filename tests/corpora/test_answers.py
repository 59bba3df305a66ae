"""Answers of people to an annotation tool, put together and converted."""

import json

import pytest
import spacy
from spacy.training import Corpus

from spacy_bio_ner.constraints import gold_constraints
from spacy_bio_ner.corpora.convert import convert
from spacy_bio_ner.corpora.formats import jsonl
from spacy_bio_ner.corpora.record import Mention, Record

from .reading import check_errors, docs_of, ents_of, export, output, read, run, write_file

TEXT = "Lithium caused tremor and nausea."
LITHIUM, TREMOR, NAUSEA = (0, 7, "DRUG"), (15, 21, "DIS"), (26, 32, "DIS")


def answer(verdict, *spans, text=TEXT, binary=True, **more):
    items = [{"start": start, "end": end, "label": label} for start, end, label in spans]
    return {"text": text, "spans": items, "answer": verdict, "_is_binary": binary, **more}


def write(path, *answers):
    return write_file(path, "\n".join(map(json.dumps, answers)))


def mentions(*spans):
    return [Mention(*span) for span in spans]


ASKED = Record(text=TEXT, missing=[(0, len(TEXT))])


@pytest.mark.parametrize(
    "answers, expected, passed_over",
    [
        ([answer("accept", LITHIUM), answer("accept", TREMOR)], [(mentions(LITHIUM, TREMOR), [])], {}),
        ([answer("accept", LITHIUM), answer("reject", TREMOR)], [(mentions(LITHIUM), mentions(TREMOR))], {}),
        ([answer("reject", TREMOR)], [([], mentions(TREMOR))], {}),
        ([answer("accept", LITHIUM, TREMOR)], [(mentions(LITHIUM, TREMOR), [])], {}),
        (
            [answer("reject", LITHIUM, TREMOR), answer("accept"), answer("reject")],
            [],
            {"answers about no span or, rejected, about several": 3},
        ),
        ([answer("ignore", LITHIUM)], [], {"ignored answers": 1}),
        (
            [answer("accept", LITHIUM), answer("accept", LITHIUM), answer("reject", NAUSEA), answer("reject", NAUSEA)],
            [(mentions(LITHIUM), mentions(NAUSEA))],
            {"answers given before": 2},
        ),
        (
            [answer("reject", (0, 7, "DIS")), answer("accept", LITHIUM)],
            [(mentions(LITHIUM), mentions((0, 7, "DIS")))],
            {},
        ),
    ],
    ids=["yes", "yes and no", "no", "yes to two", "nothing said", "ignored", "twice", "no to another label"],
)
def test_yes_and_no_to_one_text_are_one_record(tmp_path, answers, expected, passed_over):
    records, ledger = read(jsonl, write(tmp_path / "corpus", *answers))
    assert not ledger.errors
    assert [(record.mentions, record.rejected) for record in records] == expected
    assert all(record.text == TEXT and record.missing == [(0, len(TEXT))] for record in records)
    assert ledger.passed_over == passed_over
    assert set(ledger.labels) == {mention.label for record in records for mention in record.mentions}


def test_older_answers_tell_by_their_view_that_they_are_yes_or_no(tmp_path):
    entry = {"text": TEXT, "spans": [{"start": 0, "end": 7, "label": "DRUG"}], "answer": "reject", "_view_id": "ner"}
    [record], _ = read(jsonl, write(tmp_path / "corpus", entry))
    assert record.rejected == mentions(LITHIUM)
    [record], _ = read(jsonl, write(tmp_path / "corpus", {**entry, "_view_id": "ner_manual", "answer": "accept"}))
    assert record.mentions == mentions(LITHIUM) and not record.missing


def test_ids_of_a_knowledge_base_stay(tmp_path):
    entry = answer("accept", LITHIUM)
    entry["spans"][0]["kb_id"] = "D1"
    [record], _ = read(jsonl, write(tmp_path / "corpus", entry, answer("accept", TREMOR)))
    assert record.mentions == [Mention(*LITHIUM, "D1"), Mention(*TREMOR)]


def test_texts_marked_in_full(tmp_path):
    full = [
        answer("accept", LITHIUM, binary=False),
        answer("reject", (0, 6, "DIS"), text="Tremor and nausea.", binary=False),
    ]
    path = write(tmp_path / "corpus", *full, answer("ignore", binary=False), {"text": "Other."})
    records, ledger = read(jsonl, path)
    assert records == [Record(text=TEXT, mentions=mentions(LITHIUM)), Record(text="Other.")]
    assert ledger.passed_over == {"rejected texts": 1, "ignored answers": 1}


@pytest.mark.parametrize("order", [1, -1])
def test_answers_that_agree_with_a_text_marked_in_full_add_nothing(tmp_path, order):
    answers = [answer("accept", LITHIUM, binary=False), answer("accept", LITHIUM), answer("reject", TREMOR)]
    records, ledger = read(jsonl, write(tmp_path / "corpus", *answers[::order]))
    assert records == [Record(text=TEXT, mentions=mentions(LITHIUM))] and not ledger.errors
    assert ledger.passed_over == {"answers about texts marked in full": 2}


@pytest.mark.parametrize(
    "answers, line, message",
    [
        (
            [answer("accept", LITHIUM), answer("accept", TREMOR), answer("reject", LITHIUM)],
            3,
            "found 'Lithium' rejected as DRUG, but line 1 says otherwise: keep one",
        ),
        (
            [answer("reject", LITHIUM), answer("accept", LITHIUM)],
            2,
            "found 'Lithium' accepted as DRUG, but line 1 says otherwise",
        ),
        (
            [answer("accept", TREMOR), answer("accept", LITHIUM, binary=False)],
            1,
            "found 'tremor' accepted as DIS, but line 2, which marks all of this text, says otherwise",
        ),
        (
            [answer("accept", LITHIUM, binary=False), answer("reject", LITHIUM)],
            2,
            "found 'Lithium' rejected as DRUG, but line 1, which marks all of this text, says otherwise",
        ),
    ],
)
def test_answers_that_contradict_each_other_are_named(tmp_path, answers, line, message):
    path = write(tmp_path / "corpus", *answers)
    check_errors(jsonl, path, [(f"{path}:{line}", message)])


def test_docs_have_what_is_known_and_nothing_else(tmp_path):
    path = write(
        tmp_path / "train.jsonl",
        answer("accept", LITHIUM, meta={"id": "a"}),
        answer("reject", TREMOR),
        answer("reject", (15, 19, "DIS")),  # ends inside of a token
    )
    result = run(path, tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "spans that are known to be no entities: 1 kept, 1 no tokens" in output(result)
    assert "'trem' DIS [15:19]" in output(result)
    [doc] = docs_of(tmp_path / "out" / "train.spacy")
    assert ents_of(doc) == [("Lithium", "DRUG")]
    assert [token.ent_iob for token in doc] == [3, 0, 0, 0, 0, 0]
    assert [(span.text, span.label_) for span in doc.spans["incorrect_spans"]] == [("tremor", "DIS")]
    # spaCy's own reader keeps them for the loss
    [example] = Corpus(tmp_path / "out" / "train.spacy")(spacy.blank("en"))
    assert [span.text for span in example.reference.spans["incorrect_spans"]] == ["tremor"]
    ledger = json.loads((tmp_path / "out" / "ledger.json").read_text())["train"]
    assert ledger["rejected"] == {
        "read": 2, "kept": 1, "no tokens: it starts or ends inside one, so that it could not be found": 1
    }  # fmt: skip
    assert ledger["mentions"] == {"read": 1, "kept": 1} and ledger["missing_tokens"] == 5


def test_a_rejected_span_on_the_tokens_of_an_accepted_one_is_named(tmp_path):
    path = write(tmp_path / "dev.jsonl", answer("accept", (15, 19, "DIS")), answer("reject", TREMOR))
    [ledger] = convert(path, tmp_path / "out").values()
    assert ledger.mentions == {"snapped": 1} and sum(ledger.rejected.values()) == 1
    assert "kept" not in ledger.rejected
    assert "incorrect_spans" not in docs_of(tmp_path / "out" / "dev.spacy")[0].spans


def test_answers_survive_another_conversion_and_the_way_back(tmp_path):
    path = write(tmp_path / "dev.jsonl", answer("accept", LITHIUM, meta={"id": "a"}), answer("reject", TREMOR))
    convert(path, tmp_path / "a")
    convert(tmp_path / "a" / "dev.spacy", tmp_path / "b")
    assert export(tmp_path / "b" / "dev.spacy", tmp_path / "back.jsonl", "-f", "jsonl").exit_code == 0
    records, ledger = read(jsonl, tmp_path / "back.jsonl")
    assert not ledger.errors
    [expected], _ = read(jsonl, path)
    assert records == [expected]
    for format in ("bio", "pubtator"):
        result = export(tmp_path / "b" / "dev.spacy", tmp_path / "x", "-f", format)
        assert result.exit_code == 1 and "no place for spans that were rejected" in output(result)
    assert not (tmp_path / "x").exists()


def test_all_may_be_rejected(tmp_path):
    path = write(tmp_path / "train.jsonl", answer("reject", LITHIUM))
    assert run(path, tmp_path / "out").exit_code == 0


# Sources that annotate some labels only


def test_labels_that_a_source_annotates_stay_with_its_docs(tmp_path):
    source = write(tmp_path / "train.jsonl", {"text": TEXT, "spans": [{"start": 15, "end": 21, "label": "DIS"}]})
    assert run(source, tmp_path / "a", "--annotated-labels", "DIS, DRUG").exit_code == 0
    convert(tmp_path / "a" / "train.spacy", tmp_path / "b")
    for folder in ("a", "b"):
        [doc] = docs_of(tmp_path / folder / "train.spacy")
        assert list(doc.user_data["bio_ner"]["labels"]) == ["DIS", "DRUG"]
        [example] = Corpus(tmp_path / folder / "train.spacy")(spacy.blank("en"))
        assert list(example.reference.user_data["bio_ner"]["labels"]) == ["DIS", "DRUG"]
    assert export(tmp_path / "b" / "train.spacy", tmp_path / "back.jsonl", "-f", "jsonl").exit_code == 0
    [record], _ = read(jsonl, tmp_path / "back.jsonl")
    assert record.annotated_labels == ["DIS", "DRUG"]
    result = export(tmp_path / "b" / "train.spacy", tmp_path / "x")
    assert result.exit_code == 1 and "no place for which labels were annotated" in output(result)


def test_docs_of_other_sources_say_nothing_of_labels(tmp_path):
    convert(write_file(tmp_path / "train.iob", "a B-X\n"), tmp_path / "out")
    [doc] = docs_of(tmp_path / "out" / "train.spacy")
    assert "labels" not in doc.user_data["bio_ner"]


@pytest.mark.parametrize(
    "content, name", [("a B-X\nb B-Y\n", "train.iob"), (json.dumps(answer("reject", TREMOR)), "train.jsonl")]
)
def test_a_label_that_is_not_annotated_is_refused(tmp_path, content, name):
    result = run(write_file(tmp_path / name, content), tmp_path / "out", "--annotated-labels", "X")
    assert result.exit_code == 1 and not (tmp_path / "out").exists()
    assert "which is not among those that are annotated (X): name it in --annotated-labels" in output(result)


def test_what_is_written_is_what_the_component_reads(tmp_path):
    """Rejected spans, missing annotation and annotated labels, as the constraints of the loss have them."""
    path = write(tmp_path / "dev.jsonl", answer("accept", LITHIUM), answer("reject", TREMOR))
    convert(path, tmp_path / "out", annotated_labels=["DRUG", "DIS"])
    [example] = Corpus(tmp_path / "out" / "dev.spacy")(spacy.blank("en"))
    allowed, rejected = gold_constraints([example], ["DIS", "DRUG", "OTHER"], "incorrect_spans")
    assert [tuple(span) for span in rejected] == [(2, 3, 0)]
    # The entity's tag; any of three labels, or O, but for what would make the entity longer; any
    assert [row.sum() for row in allowed][:3] == [1, 6, 7]
    path = write(tmp_path / "dev.jsonl", {"text": "Lithium helps", "spans": [{"start": 0, "end": 7, "label": "DRUG"}]})
    convert(path, tmp_path / "out", annotated_labels=["DRUG"])
    [example] = Corpus(tmp_path / "out" / "dev.spacy")(spacy.blank("en"))
    allowed, _ = gold_constraints([example], ["DIS", "DRUG"], "incorrect_spans")
    assert [row.sum() for row in allowed] == [1, 3]  # helps: O, or an entity with the other label
