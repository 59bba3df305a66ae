"""Files and folders that are whole or as they were."""

import os
import subprocess
import sys

import pytest

from spacy_bio_ner.util import atomic_write, final_name, pipeline_name


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


def test_what_killed_processes_of_this_machine_left_of_a_folder_goes_with_it(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    folder = tmp_path / "x"
    with atomic_write(folder) as temporary:
        temporary.mkdir()
        [name] = [path.name for path in tmp_path.iterdir()]
    machine, alive = name.split("-")[1], os.getpid()
    kept = [
        f".x-{machine}-{alive}-{'0' * 8}",
        f".x-{'0' * 8}-{dead.pid}-{'0' * 8}",
        f".y-{machine}-{dead.pid}-{'0' * 8}",
    ]
    for left in (*kept, f".x-{machine}-{dead.pid}-{'0' * 8}", f".x-{machine}-{dead.pid}-{'0' * 8}-old"):
        (tmp_path / left).mkdir()
    with atomic_write(folder) as temporary:
        temporary.mkdir()
    left = {path.name for path in tmp_path.iterdir()} - {"x"}
    assert left == set(kept) if os.name != "nt" else left >= set(kept)
    assert {final_name(tmp_path / name) for name in kept} == {"x", "y"} and final_name(folder) is None


def test_a_folder_is_not_replaced_by_a_file(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine").write_text("")
    with pytest.raises(IsADirectoryError, match="x"), atomic_write(tmp_path / "x") as temporary:
        temporary.write_text("")
    assert [path.name for path in tmp_path.rglob("*")] == ["x", "mine"]


def test_a_pipeline_is_called_by_its_own_name(tmp_path):
    assert pipeline_name({"lang": "en", "name": "medical_lstm"}, tmp_path) == "en_medical_lstm"
    assert pipeline_name({"lang": "en", "name": "pipeline"}, tmp_path / "a" / "b") == "a/b"
    assert pipeline_name({"lang": "en", "name": "pipeline"}, None) == "en_pipeline"
