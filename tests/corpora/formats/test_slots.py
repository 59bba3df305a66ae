"""Folders with seq.in, seq.out and label."""

import pytest

from spacy_bio_ner.corpora.formats import slots

from ..reading import docs_of, output, read_good, run


def write_slots(folder, words="play Jazz now\nhi\n", tags="O B-genre O\nO\n", label="PlayMusic\nGreet\n"):
    folder.mkdir(parents=True)
    (folder / "seq.in").write_text(words)
    (folder / "seq.out").write_text(tags)
    if label is not None:
        (folder / "label").write_text(label)
    return folder


def test_slots_with_intents(tmp_path):
    for split in ("train", "valid"):
        write_slots(tmp_path / "corpus" / split)
    assert run(tmp_path / "corpus", tmp_path / "out").exit_code == 0
    for name in ("train", "dev"):
        first, second = docs_of(tmp_path / "out" / f"{name}.spacy")
        assert [(ent.text, ent.label_) for ent in first.ents] == [("Jazz", "genre")]
        assert first.cats == {"PlayMusic": 1.0, "Greet": 0.0} and second.cats == {"PlayMusic": 0.0, "Greet": 1.0}


def test_slots_without_intents(tmp_path):
    [first, _] = read_good(slots, write_slots(tmp_path / "a", label=None))
    assert first.cats == {}


@pytest.mark.parametrize(
    "files, message",
    [
        ({"tags": "O B-genre\nO\n"}, "seq.out:1: found 2 tags for 3 words"),
        ({"tags": "O B-genre O\n"}, "seq.out:2: found no such line, but seq.in has one"),
        ({"label": "PlayMusic\n"}, "label:1: found 1 lines, expected 2 as in seq.in"),
        ({"words": "play Jazz now\n\n", "tags": "O B-genre O\n\n"}, "seq.in:2: found no word"),
    ],
)
def test_bad_slots(tmp_path, files, message):
    write_slots(tmp_path / "corpus" / "train", **files)
    result = run(tmp_path / "corpus", tmp_path / "out")
    assert result.exit_code == 1 and message in output(result) and not (tmp_path / "out").exists()


def test_a_folder_without_its_files(tmp_path):
    (tmp_path / "train").mkdir()
    result = run(tmp_path, tmp_path / "out", "--format", "slots")
    assert result.exit_code == 1 and "found a folder, expected a file" in output(result)
    (tmp_path / "train" / "a.txt").write_text("")
    (tmp_path / "train" / "a.ann").write_text("")
    result = run(tmp_path, tmp_path / "out", "--format", "slots")
    assert result.exit_code == 1 and "seq.in: no such file, which utterances with slots have" in output(result)
