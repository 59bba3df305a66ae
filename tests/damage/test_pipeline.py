"""A saved pipeline is damaged, and loaded: it predicts as before, or is refused with the file's name. The disk fills up
while it is saved, or the process is killed."""

import os
import random
import shutil
import sys

import pytest
import spacy
from spacy.util import load_config

from spacy_bio_ner.cli._app import load_pipeline
from spacy_bio_ner.cli._saving import save_changed
from spacy_bio_ner.serialization import save_settings
from spacy_bio_ner.util import InputError

from ..conftest import SMALL_MODEL, TEXTS, learn_by_heart
from .faults import Tally, damage, disk_of, fault_at, full, in_child, killed, moments, outcome, restore

LONG = pytest.mark.slow
OWN = ("bio_ner/cfg", "bio_ner/model", "bio_ner/checksums.json")
# Written by spaCy, without checksums: config.cfg and meta.json to be edited, the others to be read by spaCy alone.
SPACYS = ("config.cfg", "meta.json", "tokenizer", "vocab/strings.json", "vocab/vectors", "vocab/lookups.bin")


class Pipelines:
    """A pipeline to damage, and one whose files can get into it."""

    def __init__(self, folder):
        self.whole, self.other, self.damaged = folder / "whole", folder / "other", folder / "damaged"
        nlp = learn_by_heart(SMALL_MODEL)
        nlp.get_pipe("bio_ner").cfg["temperature"] = 1.5
        nlp.to_disk(self.whole)
        self.expected = predictions(nlp)
        other = learn_by_heart(SMALL_MODEL, n_updates=3)
        other.get_pipe("bio_ner").cfg["threshold"] = 0.01
        other.to_disk(self.other)
        assert predictions(other) != self.expected
        shutil.copytree(self.whole, self.damaged)
        self.nlp = spacy.load(self.whole)  # one that is loaded anew from its folder: quick, but for spaCy's own files
        self.config = load_config(self.whole / "config.cfg")

    def is_same(self, nlp):
        return predictions(nlp) == self.expected

    def component_is_same(self):
        """Load the component alone, and nothing of what it was before may help it."""
        component = self.nlp.get_pipe("bio_ner")
        component.model.attrs["labels"] = ["NONE"]
        component.cfg["temperature"], component.cfg["threshold"] = 7.0, 0.9
        component.cfg["config"].update(temperature=1.0, threshold=0.0)
        for node in component.model.walk():
            for name in node.param_names:
                node.get_param(name)[:] = 0
        component.from_disk(self.damaged / "bio_ner", exclude=["vocab"])  # as spacy.load does
        return self.is_same(self.nlp)


def predictions(nlp):
    docs = nlp.pipe([text for text, _ in TEXTS])
    return [[(ent.text, ent.label_, round(ent._.confidence, 5)) for ent in doc.ents] for doc in docs]


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory):
    return Pipelines(tmp_path_factory.mktemp("pipelines"))


@pytest.mark.parametrize("n", [150, pytest.param(9000, marks=LONG)])
def test_damage_to_a_component_is_named(pipelines, n):
    rng, tally = random.Random(n), Tally()
    for _ in range(n):
        name = rng.choice(OWN)
        damage(pipelines.damaged / name, rng, [pipelines.other / name, pipelines.whole / rng.choice(OWN)])
        tally[name, outcome(pipelines.component_is_same, pipelines.damaged / "bio_ner")] += 1
        restore(pipelines.whole, pipelines.damaged, name)
    tally.print("Components of pipelines, loaded")
    assert sum(tally.values()) == n
    # Checksums that are gone, or longer by a line feed, leave the rest as it was.
    assert all(tally[name, "refused"] > 5 * tally[name, "same"] for name in OWN[:2])
    assert pipelines.component_is_same()


@pytest.mark.parametrize("n", [8, pytest.param(600, marks=LONG)])
def test_damage_to_a_pipeline_ends_in_a_line_that_names_it(pipelines, n):
    """Of what spaCy writes and people may edit, it cannot be known that it is damaged; but of the component's files it
    can, and whatever cannot be loaded is one line and no traceback."""
    rng, tally, n_edits = random.Random(n), Tally(), 0
    for _ in range(n):
        name = rng.choice(OWN + SPACYS)
        damage(pipelines.damaged / name, rng, [pipelines.other / name])
        try:
            nlp = load_pipeline(str(pipelines.damaged), -1)
        except InputError as err:
            assert str(err).startswith(f"{pipelines.damaged}: cannot load the pipeline: ")
            assert name not in OWN or "bio_ner" in str(err)
            tally[name, "refused"] += 1
        else:
            if name in SPACYS and not pipelines.is_same(nlp):
                n_edits += 1
            else:
                assert pipelines.is_same(nlp), name
                tally[name, "same"] += 1
        restore(pipelines.whole, pipelines.damaged, name)
    tally.print(f"Pipelines, loaded by commands ({n_edits} more are edits of files of spaCy's that have no checksum)")
    assert sum(tally.values()) + n_edits == n


def faulty_save(pipelines, path, fault):
    """Save a pipeline in the place of another while something happens. Returns what came of it."""
    shutil.copytree(pipelines.other, path)
    nlp = spacy.load(pipelines.whole)
    try:
        with fault:
            nlp.to_disk(path)
    except OSError:
        pass
    loaded = []

    def load():
        loaded.append(load_pipeline(str(path), -1))
        return True

    return outcome(load, path), loaded and predictions(loaded[0])


@pytest.mark.parametrize("n", [3, pytest.param(150, marks=LONG)])
def test_a_full_disk_while_a_pipeline_is_saved(pipelines, tmp_path, n):
    """Here spaCy writes over what is there, file by file: the component of the one pipeline or the other, or none."""
    with disk_of(None) as written:
        spacy.load(pipelines.whole).to_disk(tmp_path / "counted")
    tally = Tally()
    either = (pipelines.expected, predictions(spacy.load(pipelines.other)))
    for room in moments(written[0] - 1, n):
        path = tmp_path / str(room)
        said, found = faulty_save(pipelines, path, disk_of(room))
        assert said == "refused" or found in either, room
        tally["bytes", said] += 1
        shutil.rmtree(path)
    tally.print("Full disks while a pipeline is saved over another")
    assert tally["bytes", "refused"] > 0


@pytest.mark.parametrize("n", [2, pytest.param(60, marks=LONG)])
@pytest.mark.parametrize("command", ["settings", "pipeline"])
def test_a_full_disk_while_a_command_saves(pipelines, tmp_path, n, command):
    """calibrate and threshold: what is there has its old settings or the new ones, whatever happens."""

    nlp = spacy.load(pipelines.whole)
    nlp.get_pipe("bio_ner").cfg["temperature"] = 3.0

    def write(path):
        if command == "settings":
            save_settings(path, "bio_ner", nlp.get_pipe("bio_ner").cfg)
        else:
            save_changed(nlp, str(pipelines.whole), path)

    def try_with(fault, path):
        shutil.copytree(pipelines.whole, path)

        def act():
            with fault:
                write(path)
            return True

        said = outcome(act, path)
        temperature = spacy.load(path).get_pipe("bio_ner").cfg["temperature"]
        assert temperature == 3.0 if said == "same" else temperature in (1.5, 3.0)
        assert not list(path.glob(".*")) and not list(tmp_path.glob(".*"))
        shutil.rmtree(path)
        return said

    path = tmp_path / "model"
    with disk_of(None) as written:
        try_with(fault_at(0, full), path)
    with fault_at(0, full) as calls:
        try_with(disk_of(None), path)
    tally = Tally()
    for room in moments(written[0] - 1, n):
        tally["bytes", try_with(disk_of(room), path)] += 1
    for call in moments(calls[0], n):
        tally["calls", try_with(fault_at(call, full), path)] += 1
    tally.print(f"Full disks while a command saves, {command}")
    assert tally["bytes", "refused"] > n / 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks a process with a loaded pipeline")
@pytest.mark.parametrize("n", [2, pytest.param(60, marks=LONG)])
def test_a_command_is_killed_while_it_saves(pipelines, tmp_path, n):
    path = tmp_path / "model"
    shutil.copytree(pipelines.whole, path)
    nlp = spacy.load(path)
    nlp.get_pipe("bio_ner").cfg["temperature"] = 3.0
    with fault_at(0, killed) as calls:
        save_changed(nlp, str(path), None)
    for moment in moments(calls[0], n):
        shutil.rmtree(path)
        shutil.copytree(pipelines.whole, path)

        def save():
            with fault_at(moment, killed):
                save_changed(nlp, str(path), None)

        os.waitpid(in_child(save), 0)
        assert spacy.load(path).get_pipe("bio_ner").cfg["temperature"] in (1.5, 3.0), moment
        save_changed(nlp, str(path), None)
        assert spacy.load(path).get_pipe("bio_ner").cfg["temperature"] == 3.0


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads everything")
def test_what_cannot_be_read_is_named(pipelines):
    for name in ("bio_ner", *OWN, *SPACYS[:3]):
        path = pipelines.damaged / name
        mode = path.stat().st_mode
        path.chmod(0)
        try:
            with pytest.raises(InputError, match="cannot load the pipeline"):
                load_pipeline(str(pipelines.damaged), -1)
        finally:
            path.chmod(mode)
