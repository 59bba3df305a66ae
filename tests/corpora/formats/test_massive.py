"""MASSIVE."""

import json

import pytest

from spacy_bio_ner.corpora.convert import convert
from spacy_bio_ner.corpora.formats import massive
from spacy_bio_ner.corpora.formats.registry import detect_format
from spacy_bio_ner.util import InputError

from ..reading import check_refused, docs_of, ents_of, marked, read_file, write_file


def entry(utt="wake me up at five am", annot_utt="wake me up at [time : five am]", partition="train", **more):
    values = {"id": "1", "locale": "en-US", "partition": partition, "scenario": "alarm", "intent": "alarm_set"}
    return {**values, "utt": utt, "annot_utt": annot_utt, "worker_id": "1", **more}


@pytest.mark.parametrize(
    "utt, annot_utt, expected",
    [
        ("wake me up at five am", "wake me up at [time : five am]", [("five am", "time")]),
        ("hi", "hi", []),
        ("今週の朝に", "[date : 今週] の [timeofday : 朝] に", [("今週", "date"), ("朝", "timeofday")]),
        ("olly  play jazz", "olly play [music_genre : jazz]", [("jazz", "music_genre")]),
        ("ab", "[x : a][y : b]", [("a", "x"), ("b", "y")]),
        ("at 5:30 am", "at [time : 5:30 am]", [("5:30 am", "time")]),
    ],
)
def test_slots_are_found_in_the_utterance(tmp_path, utt, annot_utt, expected):
    path = write_file(tmp_path / "corpus", entry(utt, annot_utt))
    assert detect_format(path) == "massive"
    [record] = read_file(massive, tmp_path, entry(utt, annot_utt))
    assert record.text == utt and marked(record) == expected
    assert record.cats == {"alarm_set": 1.0} and record.split == "train" and record.document == "1"


def test_categories_are_all_intents(tmp_path):
    content = json.dumps(entry()) + "\n" + json.dumps(entry(id="2", intent="play"))
    first, second = read_file(massive, tmp_path, content)
    assert first.cats == {"alarm_set": 1.0, "play": 0.0} and second.cats == {"alarm_set": 0.0, "play": 1.0}


@pytest.mark.parametrize(
    "value, message",
    [
        (entry("wake me up", "wake me up at [time : five am]"), "found the annotated utterance 'wake me up at [time"),
        (entry("a", "a[x : ]"), "found a slot without text in 'a[x : ]'"),
        (entry("a b", "a [ : b]"), "found the annotated utterance"),
        ({k: v for k, v in entry().items() if k != "utt"}, "utt: found nothing in"),
        (entry(intent=5), "intent: found 5, expected a string"),
        ({**entry(), "annot_utt": 5}, "annot_utt: found 5, expected a string"),
    ],
)
def test_refusals(tmp_path, value, message):
    check_refused(massive, tmp_path, value, message)


def write_splits(path, *partitions):
    entries = [entry(f"at {name}{i} am", f"at [time : {name}{i} am]", name, id=f"{name}{i}")
               for name in partitions for i in range(3)]  # fmt: skip
    return write_file(path, "\n".join(map(json.dumps, entries)))


@pytest.mark.parametrize("is_folder", [True, False])
@pytest.mark.parametrize("partitions", [("train", "dev", "test"), ("train", "test"), ("train", "validation")])
def test_a_file_is_divided_as_it_says(tmp_path, is_folder, partitions):
    path = write_splits(tmp_path / "corpus" / "en-US.jsonl", *partitions)
    convert(path.parent if is_folder else path, tmp_path / "out")
    names = {name.replace("validation", "dev"): name for name in partitions}
    assert {file.stem for file in (tmp_path / "out").glob("*.spacy")} == set(names)
    for split, name in names.items():
        assert [ents_of(doc) for doc in docs_of(tmp_path / "out" / f"{split}.spacy")] == [
            [(f"{name}{i} am", "time")] for i in range(3)
        ]


def test_splits_that_contradict_the_files_name_are_refused(tmp_path):
    path = write_splits(tmp_path / "train.jsonl", "train", "test")
    with pytest.raises(InputError, match="train.jsonl: is named for train, but says that a text belongs to test"):
        convert(path, tmp_path / "out")
    path = write_splits(tmp_path / "all.jsonl", "train", "heldout")
    with pytest.raises(InputError, match="found the split 'heldout', expected train, dev, test"):
        convert(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
