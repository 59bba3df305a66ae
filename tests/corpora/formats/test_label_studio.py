"""Label Studio's JSON and JSON-MIN."""

import json

import pytest

from spacy_bio_ner.corpora.formats import label_studio
from spacy_bio_ner.corpora.formats.registry import detect_format
from spacy_bio_ner.corpora.options import Offsets
from spacy_bio_ner.corpora.record import Mention, Record

from ..reading import check_refused, marked, read, read_file, write_file

TEXT = "Lithium caused tremor."
MENTIONS = [("Lithium", "Drug"), ("tremor", "Disease")]


def span(start, end, *labels, text=None, type="labels"):
    value = {"start": start, "end": end, "labels": list(labels), **({} if text is None else {"text": text})}
    return {"value": value, "id": "aA1", "from_name": "label", "to_name": "text", "type": type, "origin": "manual"}


SPANS = [span(0, 7, "Drug", text="Lithium"), span(15, 21, "Disease", text="tremor")]
OTHERS = [
    {"type": "relation", "from_id": "aA1", "to_id": "aA2", "direction": "right"},
    {"type": "choices", "from_name": "mood", "to_name": "text", "value": {"choices": ["good"]}},
]


def task(*results, data=None, **more):
    annotations = [
        {"id": 3, "result": list(result), "was_cancelled": False, "ground_truth": False} for result in results
    ]
    return {"id": 11, "data": data or {"text": TEXT}, "annotations": annotations, "predictions": [], **more}


def min_entry(**more):
    values = [result["value"] for result in SPANS]
    return {"id": 11, "text": TEXT, "label": values, "annotator": 1, "annotation_id": 3, "lead_time": 4.5, **more}


@pytest.mark.parametrize(
    "entry",
    [
        task(SPANS),
        {**task(), "completions": task(SPANS)["annotations"], "annotations": None},
        task(SPANS, data={"body": TEXT, "author": "somebody"}),
        task(SPANS, data={"text": TEXT, "other": TEXT}),
        min_entry(),
        min_entry(sentiment="good"),
        {key: value for key, value in min_entry(body=TEXT).items() if key != "text"},
    ],
    ids=["JSON", "old JSON", "text under another name", "two texts", "JSON-MIN", "choices", "JSON-MIN, other name"],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_exports(tmp_path, entry, indent):
    path = write_file(tmp_path / "corpus", json.dumps([entry, entry], indent=indent))
    assert detect_format(path) == "label-studio"
    records, ledger = read(label_studio, path)
    assert not ledger.errors and [marked(record) for record in records] == [MENTIONS] * 2
    assert records[0].document == "11"


def test_several_labels_of_a_span_are_mentions_each(tmp_path):
    [record] = read_file(label_studio, tmp_path, [task([span(0, 7, "A", "B")])])
    assert record == Record(text=TEXT, mentions=[Mention(0, 7, "A"), Mention(0, 7, "B")], document="11")


def test_what_is_passed_over_is_counted(tmp_path):
    skipped = task(SPANS)
    skipped["annotations"][0]["was_cancelled"] = True
    entries = [task(SPANS + OTHERS), skipped, task(), task(SPANS, predictions=[{}, {}]), task(SPANS, SPANS[::-1])]
    records, ledger = read(label_studio, write_file(tmp_path / "corpus", entries))
    assert len(records) == 3 and not ledger.errors
    assert ledger.passed_over == {
        "results of the type 'relation'": 1,
        "results of the type 'choices'": 1,
        "tasks that were skipped": 1,
        "tasks that nobody annotated": 1,
        "predictions": 2,
        "annotations given before": 1,
    }


def test_a_task_without_spans_has_no_entity(tmp_path):
    [record] = read_file(label_studio, tmp_path, [task([])])
    assert record == Record(text=TEXT, document="11")


def test_ground_truth_counts_more_than_others(tmp_path):
    entry = task(SPANS[:1], SPANS)
    check_refused(label_studio, tmp_path, [entry], "found 2 annotations that differ: mark one of them as ground truth")
    entry["annotations"][1]["ground_truth"] = True
    [record], ledger = read(label_studio, write_file(tmp_path / "corpus", [entry]))
    assert marked(record) == MENTIONS
    assert ledger.passed_over == {"annotations that are no ground truth": 1}


def test_line_breaks_in_the_text_of_a_span(tmp_path):
    data = {"text": "a\nb c"}
    for text in ("a\nb", "a\\nb", "a b"):
        [record] = read_file(label_studio, tmp_path, [task([span(0, 3, "X", text=text)], data=data)])
        assert marked(record) == [("a\nb", "X")]


def test_offsets_count_javascripts_units(tmp_path):
    entry = task([span(3, 10, "Drug", text="Lithium")], data={"text": "\U0001f600 Lithium"})
    check_refused(label_studio, tmp_path, [entry], "found start 3 and end 10", offsets=None)
    [record] = read_file(label_studio, tmp_path, [entry], offsets=Offsets.utf16)
    assert marked(record) == [("Lithium", "Drug")]


@pytest.mark.parametrize(
    "entry, message",
    [
        (task([span(0, 7, "Drug", text="Aspirin")]), "found the mention 'Aspirin', but the text has 'Lithium' at 0-7"),
        (task([span(0, 99, "Drug")]), "found start 0 and end 99"),
        (task([span(0, 7)]), "value.labels: found [], expected at least one item"),
        (task([span("/p[1]/text()[1]", 7, "Drug")]), "value.start: found '/p[1]/text()[1]', expected a whole number"),
        (task([{"type": "labels"}]), "value: found None, expected an object"),
        (task(SPANS, data={"a": TEXT, "b": TEXT}), "found the data ['a', 'b'], expected the text that was annotated"),
        (task(SPANS, data={"a": 1}), "found the data ['a'], expected the text that was annotated under 'text'"),
        ({**task(SPANS), "annotations": {}}, "annotations: found {}, expected a list"),
        ({"data": {"text": TEXT}}, "annotations: found nothing in {'data'"),
        (min_entry(label=[{"start": 0, "end": 7}]), "label[0].labels: found nothing in"),
        (min_entry(text=5), "text: found 5, expected a string"),
        ("task", "found 'task', expected a task"),
    ],
)
def test_refusals(tmp_path, entry, message):
    check_refused(label_studio, tmp_path, json.dumps([[], entry][1:]) if entry != "task" else '"task"', message)
