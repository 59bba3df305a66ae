"""What a conversion has written is damaged, and then read, reported on and converted again: the outcome is that of the
undamaged, or an error that names the file. The disk fills up while it is written, or the process is killed."""

import os
import random
import shutil
import sys

import pytest
import spacy

from spacy_bio_ner.corpora import convert as convert_module
from spacy_bio_ner.corpora import docbin
from spacy_bio_ner.corpora.convert import convert
from spacy_bio_ner.corpora.docbin import read_docs
from spacy_bio_ner.corpora.source_mentions import document_id, source_mentions
from spacy_bio_ner.report.card import read_ledger
from spacy_bio_ner.tokenizer import tokenizer_of_language

from .faults import Tally, damage, disk_of, fault_at, full, in_child, killed, moments, outcome, restore

LONG = pytest.mark.slow
SHARD = 2
PARTS = ("train", "dev", "test")


def write_source(folder, n, word):
    folder.mkdir()
    for split, size in zip(PARTS, (n, 1, 1)):
        lines = "".join(f"{word}{i}\tB-DIS\nafter\tO\n{split}\tO\n\n" for i in range(size))
        (folder / f"{split}.iob").write_text(lines)
    return folder


class Corpora:
    """A converted corpus to damage, and one whose files can get into it."""

    def __init__(self, folder):
        self.vocab = spacy.blank("en").vocab
        self.source = write_source(folder / "source", 5, "fever")
        self.smaller = shutil.copytree(self.source, folder / "smaller" / "source")
        (self.smaller / "test.iob").unlink()
        self.whole, self.other, self.damaged = folder / "whole", folder / "other", folder / "damaged"
        convert(self.source, self.whole)
        convert(write_source(folder / "other source", 5, "cough"), self.other)
        shutil.copytree(self.whole, self.damaged)
        self.files = sorted(path.relative_to(self.whole) for path in self.whole.rglob("*.*") if path.is_file())
        self.expected = {part: self.read(self.whole, part) for part in PARTS}
        convert(self.smaller, folder / "again")
        self.again = self.read_all(folder / "again")
        assert len(self.files) == 7 and self.read_all(self.whole) != self.again

    def read(self, folder, part):
        """All that is known of a part."""
        path = folder / f"{part}.spacy"
        docs = [
            (doc.text, [token.ent_iob_ for token in doc], source_mentions(doc), document_id(doc))
            for doc in read_docs(path, self.vocab)
        ]
        return docs, {**read_ledger(path), "source": None}

    def read_all(self, folder):
        """The parts that are there, and all of them."""
        return {path.stem: self.read(folder, path.stem) for path in sorted(folder.glob("*.spacy"))}

    def name(self, file):
        return f"shard of {file.parent.name}" if len(file.parts) > 1 else file.name

    def another(self, rng, name):
        """Files to put in the place of one: of the other corpus, or of this one."""
        alike = [file for file in self.files if file.suffix == name.suffix]
        return [self.other / name, self.other / rng.choice(alike), self.whole / rng.choice(alike)]


@pytest.fixture(scope="module")
def corpora_to_damage(tmp_path_factory):
    nlp = spacy.blank("en")
    nlp.tokenizer = tokenizer_of_language(nlp)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(docbin, "SHARD_SIZE", SHARD)
        patch.setattr(convert_module.spacy, "blank", lambda lang: nlp)  # not made anew for each conversion
        patch.setattr(convert_module, "tokenizer_of_language", lambda nlp: nlp.tokenizer)
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield Corpora(tmp_path_factory.mktemp("corpora"))


@pytest.mark.parametrize("n", [150, pytest.param(9000, marks=LONG)])
def test_damage_to_a_corpus_is_named(corpora_to_damage, n):
    """Each part is read, and what the ledger says of it, as the commands do that score and report."""
    corpora, rng, tally = corpora_to_damage, random.Random(n), Tally()
    for _ in range(n):
        file = rng.choice(corpora.files)
        damage(corpora.damaged / file, rng, corpora.another(rng, file))
        said = {
            outcome(lambda: corpora.read(corpora.damaged, part) == corpora.expected[part], corpora.damaged)
            for part in PARTS
        }
        tally[corpora.name(file), "refused" if "refused" in said else "same"] += 1
        restore(corpora.whole, corpora.damaged, file)
    tally.print("Corpora, read")
    assert sum(tally.values()) == n and all(tally[kind, "refused"] for kind, _ in tally)
    assert {part: corpora.read(corpora.damaged, part) for part in PARTS} == corpora.expected


@pytest.mark.parametrize("n", [25, pytest.param(1500, marks=LONG)])
def test_a_damaged_corpus_is_converted_anew(corpora_to_damage, tmp_path, n):
    """Whatever is damaged, the next conversion leaves what it would have left, or names the file."""
    corpora, rng, tally = corpora_to_damage, random.Random(n), Tally()
    out = tmp_path / "out"
    for _ in range(n):
        shutil.copytree(corpora.whole, out)
        file = rng.choice(corpora.files)
        kind = damage(out / file, rng, corpora.another(rng, file))

        def again():
            convert(corpora.smaller, out)
            return corpora.read_all(out) == corpora.again

        tally[corpora.name(file), said := outcome(again, out)] += 1
        if kind == "folder":
            assert said == "refused" and (out / file / "mine").exists()
        shutil.rmtree(out)
    tally.print("Corpora, converted anew")
    assert sum(count for (_, said), count in tally.items() if said == "same") > n / 2


@pytest.mark.parametrize("n", [4, pytest.param(300, marks=LONG)])
def test_a_full_disk_leaves_the_old_or_is_told(corpora_to_damage, tmp_path, n):
    corpora, tally = corpora_to_damage, Tally()

    def try_with(fault):
        out = tmp_path / "out"
        shutil.copytree(corpora.whole, out)

        def act():
            with fault:
                convert(corpora.smaller, out)
            return corpora.read_all(out) == corpora.again

        said = outcome(act, out)
        if said == "refused":
            for part in PARTS[:2]:  # nothing is mixed: a part is as it was, as it is to be, or refused
                both = (corpora.expected[part], corpora.again[part])
                outcome(lambda: corpora.read(out, part) in both, out)
            convert(corpora.smaller, out)
            assert corpora.read_all(out) == corpora.again
        assert [path.name for path in tmp_path.iterdir()] == ["out"]
        shutil.rmtree(out)
        return said

    with disk_of(None) as written:
        try_with(fault_at(0, full))
    with fault_at(0, full) as calls:
        try_with(disk_of(None))
    for room in moments(written[0] - 1, n):
        tally["bytes", try_with(disk_of(room))] += 1
    for call in moments(calls[0], n):
        tally["calls", try_with(fault_at(call, full))] += 1
    tally.print("Full disks while a corpus is converted")
    assert not tally["bytes", "same"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks a process")
@pytest.mark.parametrize("n", [10, pytest.param(200, marks=LONG)])
def test_a_killed_conversion_mixes_nothing(corpora_to_damage, tmp_path, n):
    """After a kill at any change to the disk, the parts are all of old, all of new, or refused."""
    corpora, out, tally = corpora_to_damage, tmp_path / "out", Tally()
    shutil.copytree(corpora.other, out)
    with fault_at(0, killed) as calls:
        convert(corpora.smaller, out)
    old = {part: corpora.read(corpora.other, part) for part in PARTS}
    for moment in moments(calls[0], n):
        shutil.rmtree(out)
        shutil.copytree(corpora.other, out)

        def killed_at():
            with fault_at(moment, killed):
                convert(corpora.smaller, out)

        os.waitpid(in_child(killed_at), 0)
        found = []
        for part in PARTS[:2]:
            said = outcome(lambda: found.append(corpora.read(out, part)) is None, out)
            tally["parts", said] += 1
        parts = PARTS[: len(found)]
        whole = [list(map(before.get, parts)) for before in (old, corpora.again)]
        assert len(found) < 2 or found in whole, moment
        convert(corpora.smaller, out)
        assert corpora.read_all(out) == corpora.again, moment
        assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    tally.print("Kills while a corpus is converted")
    assert tally["parts", "refused"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads everything")
def test_what_cannot_be_read_is_named(corpora_to_damage):
    corpora = corpora_to_damage
    for path in (*map(corpora.damaged.joinpath, corpora.files), corpora.damaged / "train.spacy"):
        mode = path.stat().st_mode
        path.chmod(0)
        try:
            said = {outcome(lambda: corpora.read(corpora.damaged, part) and True, corpora.damaged) for part in PARTS}
        finally:
            path.chmod(mode)
        assert "refused" in said, path
