"""The parts of a corpus, and what becomes of it as a whole."""

from pathlib import Path

import pytest
import srsly

from spacy_bio_ner.corpora.convert import convert
from spacy_bio_ner.corpora.ledger import Ledger
from spacy_bio_ner.corpora.source_mentions import document_id
from spacy_bio_ner.corpora.sources import find_sources, find_split
from spacy_bio_ner.util import InputError

from .reading import docs_of, output, run, write_file

PUBTATOR = "1|t|Fever.\n1|a|After aspirin.\n1\t0\t5\tFever\tDIS\tD1\n1\t13\t20\taspirin\tCHEM\tD2\n\n"


@pytest.mark.parametrize(
    "name, split",
    [
        ("eng.train", "train"), ("eng.testa", "dev"), ("eng.testb", "test"), ("esp.testb", "test"),
        ("weiboNER_2nd_conll.dev", "dev"), ("en-train90.conll", "train"), ("NER-de-train.tsv", "train"),
        ("emerging.dev.conll", "dev"), ("emerging.test.annotated", "test"), ("wnut17train.conll", "train"),
        ("training.tsv", "train"), ("devel.tsv", "dev"), ("VALID.IOB", "dev"), ("validation", "dev"),
        ("CDR_TrainingSet.PubTator.txt", "train"), ("CDR_DevelopmentSet.PubTator.txt", "dev"),
        ("test_1.json", "test"), ("Test.spacy", "test"), ("mytest set.csv", None), ("test set.csv", "test"),
        ("latest.iob", None), ("contest.iob", None), ("developers.iob", None), ("constraint.iob", None),
        ("trainer.iob", None), ("undeveloped.iob", None), ("strain.iob", None), ("all.jsonl", None),
        ("train_dev.tsv", None), ("détrain.iob", None), ("eng.testc", None),
    ],
)  # fmt: skip
def test_the_split_is_a_whole_word_of_the_name(name, split):
    assert find_split(name) == split


def test_names_that_collide_are_refused_with_both(tmp_path):
    for first, second in (("eng.testb", "esp.test"), ("train.iob", "train.tsv"), ("a-dev.x", "valid.iob")):
        folder = tmp_path / first
        for name in (first, second):
            write_file(folder / name, "a B-X\n")
        with pytest.raises(InputError) as err:
            find_sources(folder)
        assert str(folder / first) in str(err.value) and str(folder / second) in str(err.value)


def test_a_name_of_several_splits_is_none_or_refused(tmp_path):
    write_file(tmp_path / "a" / "train_dev.tsv", "a B-X\n")
    write_file(tmp_path / "a" / "test.tsv", "a B-X\n")
    assert set(find_sources(tmp_path / "a")) == {"train_dev", "test"}
    write_file(tmp_path / "b" / "train.dev.tsv", "a B-X\n")
    with pytest.raises(InputError, match="train.dev.tsv: is named for several splits: rename it"):
        find_sources(tmp_path / "b")


def test_files_beside_a_corpus_are_no_part_of_it(tmp_path):
    write_file(tmp_path / "train.json", '[{"text": "a", "entities": []}]')
    write_file(tmp_path / "more.json", '[{"text": "a", "entities": []}]')
    beside = {
        "dataset_infos.json": '{"default": {"features": {}}}', "label.json": '{"O": 0}', "domain.yml": "intents: []",
        "train.py": "import x", "test.sh": "x", "notes.md": "x", "config.cfg": "x", "pom.xml": "<project/>",
    }  # fmt: skip
    for name, content in beside.items():
        write_file(tmp_path / name, content)
    (tmp_path / "figures").mkdir()
    assert set(find_sources(tmp_path)) == {"train", "more"}


def test_a_folder_named_for_a_split_is_never_passed_over(tmp_path):
    write_file(tmp_path / "train" / "a.iob", "a B-X\n")
    write_file(tmp_path / "dev.iob", "a B-X\n")
    with pytest.raises(InputError, match="train: found a folder, expected a file"):
        find_sources(tmp_path)


def test_packed_splits_are_named(tmp_path):
    write_file(tmp_path / "train.iob.gz", b"\x1f\x8b\x08")
    write_file(tmp_path / "dev.iob", "a B-X\n")
    with pytest.raises(InputError, match="train.iob.gz: found a packed file"):
        find_sources(tmp_path)


def test_suffixes_in_capitals(tmp_path, nlp):
    write_file(tmp_path / "corpus" / "TRAIN.IOB", "a B-X\n")
    write_file(tmp_path / "corpus" / "Dev" / "a.TXT", "Fever")
    write_file(tmp_path / "corpus" / "Dev" / "a.Ann", "T1\tX 0 5\tFever\n")
    write_file(tmp_path / "corpus" / "Test.JSON", '[{"text": "Fever", "entities": [[0, 5, "X"]]}]')
    convert(tmp_path / "corpus", tmp_path / "out")
    assert {path.stem for path in (tmp_path / "out").glob("*.spacy")} == {"train", "dev", "test"}
    (tmp_path / "out" / "train.spacy").rename(tmp_path / "TRAIN.SPACY")
    convert(tmp_path / "TRAIN.SPACY", tmp_path / "again")
    assert len(docs_of(tmp_path / "again" / "train.spacy")) == 1


def test_names_that_are_not_utf8(tmp_path):
    bad = b"caf\xe9.iob".decode("utf8", "surrogateescape")
    try:
        write_file(tmp_path / "a" / bad, "a B-X\n")
    except OSError:
        pytest.skip("this file system has no such names")
    write_file(tmp_path / "a" / "train.iob", "a B-X\n")
    result = run(tmp_path / "a", tmp_path / "out")
    assert result.exit_code == 1 and "caf\\udce9.iob: cannot name the part that is made of it: rename it" in output(
        result
    )
    # In the name of a split, or of a folder, it does no harm
    folder = tmp_path / bad
    write_file(folder / f"train-{bad}", "a B-X\n")
    result = run(folder, tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert srsly.read_json(tmp_path / "out" / "ledger.json")["train"]["source"].endswith("train-caf\\udce9.iob")
    write_file(folder / f"train-{bad}", "a B-X\nb\n")
    result = run(folder, tmp_path / "out")
    assert result.exit_code == 1 and "caf\\udce9.iob:2: found 1 column(s)" in output(result)
    # As a document's id it would
    write_file(tmp_path / "b" / "train" / f"{bad}.txt", "x")
    write_file(tmp_path / "b" / "train" / f"{bad}.ann", "")
    result = run(tmp_path / "b", tmp_path / "out")
    assert result.exit_code == 1 and "its name is not UTF-8, and it would be a document's id" in output(result)


def test_a_division_moves_as_little_as_it_must(tmp_path):
    """Texts stay where their hash puts them, but for those without which a split would be empty."""
    texts = [f"word{i} B-X\n\n" for i in range(40)]
    splits = {}
    for n in (40, 6):
        write_file(tmp_path / str(n) / "all.iob", "".join(texts[:n]))
        convert(tmp_path / str(n), tmp_path / "out")
        splits[n] = {
            doc[0].text: split
            for split in ("train", "dev", "test")
            for doc in docs_of(tmp_path / "out" / f"{split}.spacy")
        }
    assert len(splits[40]) == 40 and len(splits[6]) == 6
    assert sum(splits[6][word] != splits[40][word] for word in splits[6]) <= 2


def test_text_formats_are_aligned_and_accounted_for(tmp_path):
    (tmp_path / "train.txt").write_text(
        PUBTATOR + PUBTATOR.replace("1|", "2|").replace("1\t", "2\t").replace("0\t5\t", "0\t5\t")
    )
    result = run(tmp_path / "train.txt", tmp_path / "out")
    assert result.exit_code == 0, result.output
    docs = docs_of(tmp_path / "out" / "train.spacy")
    assert [document_id(doc) for doc in docs] == ["1", "2"]
    assert [[(e.text, e.label_, e.kb_id_) for e in doc.ents] for doc in docs] == [
        [("Fever", "DIS", "D1"), ("aspirin", "CHEM", "D2")]
    ] * 2
    ledger = srsly.read_json(tmp_path / "out" / "ledger.json")
    assert ledger["train"]["mentions"] == {"read": 4, "kept": 4}


def test_lost_mentions_can_be_refused(tmp_path):
    spans = [{"start": 0, "end": 13, "label": "DIS"}, {"start": 6, "end": 13, "label": "DIS"}]
    srsly.write_jsonl(tmp_path / "train.jsonl", [{"text": "renal failure", "spans": spans}])
    assert run(tmp_path / "train.jsonl", tmp_path / "out", "--fail-on-lost").exit_code == 1
    assert not (tmp_path / "out").exists()
    result = run(tmp_path / "train.jsonl", tmp_path / "out")
    assert result.exit_code == 0 and "1 nested: inside a longer mention, such as 'failure' DIS [6:13]" in output(result)
    assert srsly.read_json(tmp_path / "out" / "ledger.json")["train"]["lost"] == {"nested: inside a longer mention": 1}


def test_tokenizer_can_be_spacys(tmp_path):
    (tmp_path / "train.jsonl").write_text(
        '{"text": "lithium-induced", "spans": [{"start": 0, "end": 7, "label": "CHEM"}]}\n'
    )
    [ledger] = convert(tmp_path / "train.jsonl", tmp_path / "out").values()
    assert ledger.mentions == {"kept": 1}
    (tmp_path / "train.jsonl").write_text('{"text": "(U.S.)", "spans": [{"start": 1, "end": 4, "label": "X"}]}\n')
    [ledger] = convert(tmp_path / "train.jsonl", tmp_path / "out").values()
    assert ledger.mentions == {"kept": 1}
    [ledger] = convert(tmp_path / "train.jsonl", tmp_path / "out", spacy_tokenizer=True).values()
    assert ledger.mentions == {"snapped": 1}


def test_a_single_file_is_split_by_a_hash(tmp_path):
    (tmp_path / "corpus").mkdir()
    sentences = [f"word{i} B-X\n\n" for i in range(300)]
    (tmp_path / "corpus" / "all.iob").write_text("".join(sentences))
    convert(tmp_path / "corpus", tmp_path / "a")
    (tmp_path / "corpus" / "all.iob").write_text("".join(reversed(sentences)))
    convert(tmp_path / "corpus", tmp_path / "b")
    words = {
        name: {doc[0].text for doc in docs_of(tmp_path / "a" / f"{name}.spacy")} for name in ("train", "dev", "test")
    }
    assert sum(map(len, words.values())) == 300 == len(set.union(*words.values()))
    assert 210 < len(words["train"]) < 270 and 15 < len(words["dev"]) < 50 and 15 < len(words["test"]) < 50
    assert words == {name: {doc[0].text for doc in docs_of(tmp_path / "b" / f"{name}.spacy")} for name in words}


def test_split_names_and_files_beside_the_corpus(tmp_path):
    for name in ("training.tsv", "devel.tsv", "test.PubTator.txt", "README.md", "LICENSE", ".hidden.tsv"):
        (tmp_path / name).write_text("a\tB-X\n")
    (tmp_path / "notes").mkdir()
    assert {name: part.path.name for name, part in find_sources(tmp_path).items()} == {
        "train": "training.tsv",
        "dev": "devel.tsv",
        "test": "test.PubTator.txt",
    }


def test_public_pubtator_is_kept_whole(corpora, tmp_path):
    """28,785 mentions, of which at least 99.9 % fit the tokens exactly."""
    ledgers = convert(corpora / "bc5cdr", tmp_path / "out").values()
    mentions = sum((ledger.mentions for ledger in ledgers), start=Ledger(Path()).mentions)
    assert sum(mentions.values()) == 28_785
    assert mentions["kept"] / 28_785 >= 0.999
    assert set(+mentions) <= {"kept", "snapped", "lost"}


def test_public_table_and_slots(corpora, tmp_path):
    ledgers = convert(corpora / "gmb", tmp_path / "gmb").values()
    assert sum(ledger.sentences for ledger in ledgers) == 8_300
    assert sum(ledger.tokens["kept"] for ledger in ledgers) == 181_291
    ledgers = convert(corpora / "snips", tmp_path / "snips").values()
    assert [ledger.sentences for ledger in ledgers] == [700, 13_084, 700]
