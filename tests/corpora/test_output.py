"""What a conversion leaves behind when it is killed, the disk is full, or something is in the way."""

import errno
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from spacy.tokens import DocBin

from spacy_bio_ner.corpora import docbin
from spacy_bio_ner.corpora.convert import convert
from spacy_bio_ner.util import InputError

from .reading import docs_of, run, write_file

UNFINISHED = ".out-unfinished"


def test_leftovers_of_a_killed_conversion_go_with_the_next(tmp_path):
    source = write_file(tmp_path / "train.iob", "a B-X\n")
    write_file(tmp_path / UNFINISHED / "dev.spacy", "half")
    write_file(tmp_path / UNFINISHED / "train.spacy" / "00000.spacy", "half")
    convert(source, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "train.iob"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"checksums.json", "ledger.json", "train.spacy"}


@pytest.mark.parametrize("name", ["notes.txt", "train.spacy/notes.txt"])
def test_what_no_conversion_has_written_is_kept(tmp_path, name):
    source = write_file(tmp_path / "train.iob", "a B-X\n")
    mine = write_file(tmp_path / UNFINISHED / name, "mine")
    with pytest.raises(InputError, match="notes.txt: was not written by 'bio-ner convert'"):
        convert(source, tmp_path / "out")
    assert mine.read_text() == "mine" and not (tmp_path / "out").exists()


def test_a_link_in_its_place_is_not_followed(tmp_path):
    source = write_file(tmp_path / "train.iob", "a B-X\n")
    mine = write_file(tmp_path / "mine" / "train.spacy", "mine")
    (tmp_path / UNFINISHED).symlink_to(mine.parent, target_is_directory=True)
    convert(source, tmp_path / "out")
    assert mine.read_text() == "mine" and not (tmp_path / UNFINISHED).exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kills with a signal")
def test_a_killed_conversion_leaves_the_earlier_one_whole(tmp_path, light_python):
    source = write_file(tmp_path / "train.iob", "a B-X\n\n")
    convert(source, tmp_path / "out")
    before = (tmp_path / "out" / "train.spacy").read_bytes()
    write_file(source, "a B-X\n\n" * 200_000)
    process = subprocess.Popen([light_python, "-m", "spacy", "bio-ner", "convert", source, tmp_path / "out"])
    while not (tmp_path / UNFINISHED).exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (tmp_path / UNFINISHED).exists() and (tmp_path / "out" / "train.spacy").read_bytes() == before
    write_file(source, "b B-X\n\n")
    assert run(source, tmp_path / "out").exit_code == 0
    assert [doc[0].text for doc in docs_of(tmp_path / "out" / "train.spacy")] == ["b"]
    assert not (tmp_path / UNFINISHED).exists()


@pytest.mark.parametrize("shard_size, name", [(10, "train.spacy"), (2, "train.spacy/00001.spacy")])
def test_a_full_disk_is_told_with_the_file(tmp_path, monkeypatch, shard_size, name):
    source = write_file(tmp_path / "train.iob", "a B-X\n\n" * 5)
    written = []

    def to_disk(shard, path):
        written.append(path)
        path.write_bytes(b"half")
        if path.name == Path(name).name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(docbin, "SHARD_SIZE", shard_size)
    monkeypatch.setattr(DocBin, "to_disk", to_disk)
    result = run(source, tmp_path / "out")
    assert result.exit_code == 1 and written
    assert f"{tmp_path / 'out' / name}: {os.strerror(errno.ENOSPC)}" in result.output.replace("\n", " ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train.iob"]


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="needs a user who may not write everywhere")
def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    source = write_file(tmp_path / "train.iob", "a B-X\n")
    (tmp_path / "closed").mkdir(mode=0o500)
    result = run(source, tmp_path / "closed" / "out")
    assert result.exit_code == 1 and "closed" in result.output and "Permission denied" in result.output
