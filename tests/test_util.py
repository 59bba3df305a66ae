"""Files and folders that are whole or as they were."""

import pytest

from spacy_bio_ner.util import atomic_write


def test_a_file_is_replaced_in_the_end_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "x"
    for content in ("one", "two"):
        with atomic_write(path) as beside:
            beside.write_text(content)
    with pytest.raises(KeyError), atomic_write(path) as beside:
        beside.write_text("half")
        raise KeyError
    assert path.read_text() == "two" and [file.name for file in path.parent.iterdir()] == ["x"]


def test_what_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OSError) as caught, atomic_write(tmp_path / "x"):
        raise OSError(28, "as a library says it")
    assert caught.value.filename == str(tmp_path / "x") and caught.value.strerror == "No space left on device"
