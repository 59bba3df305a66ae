"""What happens to a corpus that is converted again, corrected, exported or laid out in unusual ways."""

import pytest
import spacy
import srsly
from spacy.tokens import DocBin, Span

from spacy_bio_ner.corpora import docbin
from spacy_bio_ner.corpora.convert import convert
from spacy_bio_ner.corpora.formats import jsonl, pubtator
from spacy_bio_ner.corpora.record import Record
from spacy_bio_ner.corpora.source_mentions import document_id, source_mentions
from spacy_bio_ner.corpora.sources import find_sources
from spacy_bio_ner.util import InputError

from .reading import docs_of, export, output


def save(path, *docs):
    path.parent.mkdir(parents=True, exist_ok=True)
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path


def test_a_split_may_grow_into_shards_and_shrink_again(tmp_path, monkeypatch):
    corpus, out = tmp_path / "corpus", tmp_path / "out"
    corpus.mkdir()
    for n in (1, 5, 1):
        for split in ("train", "dev"):
            (corpus / f"{split}.iob").write_text("a B-X\n\n" * n)
        monkeypatch.setattr(docbin, "SHARD_SIZE", 2)
        convert(corpus, out)
        assert len(docs_of(out / "train.spacy")) == len(docs_of(out / "dev.spacy")) == n
        assert srsly.read_json(out / "ledger.json")["train"]["documents"] == n


def test_a_word_that_spacy_frees_too_early(tmp_path, nlp):
    """The vocabulary keeps a word of the hash 1 beyond the memory zone it was met in, which is one shard."""
    for _ in range(3):
        docbin.write_records([Record(text="IS_ALPHA")], nlp, tmp_path / "x.spacy", lambda record, nlp: nlp(record.text))
        assert [token.text for token in nlp("Fever IS_ALPHA")] == ["Fever", "IS_ALPHA"]


def test_a_split_that_is_gone_from_the_source_goes_from_the_output(tmp_path):
    corpus, out = tmp_path / "corpus", tmp_path / "out"
    corpus.mkdir()
    for split in ("train", "dev", "test"):
        (corpus / f"{split}.iob").write_text("a B-X\n")
    convert(corpus, out)
    (out / "mine.spacy").write_bytes(b"not made by convert")
    (corpus / "test.iob").unlink()
    convert(corpus, out)
    assert {path.name for path in out.glob("*.spacy")} == {"dev.spacy", "mine.spacy", "train.spacy"}


def test_missing_annotation_of_text_survives_another_conversion(tmp_path, nlp):
    doc = nlp("Fever after aspirin (ASA)")
    doc.set_ents([Span(doc, 0, 1, label="DIS")], missing=[doc[3:]])
    [ledger] = convert(save(tmp_path / "dev.spacy", doc), tmp_path / "out").values()
    [back] = docs_of(tmp_path / "out" / "dev.spacy")
    assert back.text == doc.text and not back.has_unknown_spaces
    assert [token.ent_iob for token in back] == [3, 2, 2, 0, 0, 0]
    assert ledger.missing == 3


def test_corrected_entities_count_and_not_those_of_old(tmp_path):
    (tmp_path / "dev.jsonl").write_text(
        '{"text": "Aspirin and zinc", "spans": [{"start": 0, "end": 7, "label": "CHEM"}]}\n'
    )
    convert(tmp_path / "dev.jsonl", tmp_path / "a")
    [doc] = docs_of(tmp_path / "a" / "dev.spacy")
    doc.set_ents([Span(doc, 2, 3, label="CHEM")])
    assert [m[:3] for m in source_mentions(doc)] == [(12, 16, "CHEM")]
    convert(save(tmp_path / "b" / "dev.spacy", doc), tmp_path / "c")
    [back] = docs_of(tmp_path / "c" / "dev.spacy")
    assert [ent.text for ent in back.ents] == ["zinc"]


def brat(folder):
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("left and right arm pain")
    (folder / "a.ann").write_text("T1\tDIS 0 4;15 23\tleft arm pain\nT2\tDIS 9 23\tright arm pain\n")
    return folder


def test_mentions_in_parts_stay_in_parts(tmp_path):
    [first] = convert(brat(tmp_path / "corpus" / "dev"), tmp_path / "a").values()
    [again] = convert(tmp_path / "a" / "dev.spacy", tmp_path / "b").values()
    assert first.mentions == again.mentions == {"lost": 1, "kept": 1}
    assert first.lost == again.lost
    [doc] = docs_of(tmp_path / "b" / "dev.spacy")
    assert [ent.text for ent in doc.ents] == ["right arm pain"]
    for format in ("jsonl", "pubtator"):
        result = export(tmp_path / "b" / "dev.spacy", tmp_path / "x", "-f", format)
        assert result.exit_code == 1 and "no place for mentions in several parts" in output(result)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("writer", [jsonl, pubtator])
def test_missing_annotation_is_not_exported_as_outside(tmp_path, writer, nlp):
    doc = nlp("Fever after rest")
    doc.set_ents([Span(doc, 0, 1, label="X")], missing=[doc[2:]])
    with (tmp_path / "out").open("w") as file, pytest.raises(InputError, match="no place for missing annotation"):
        writer.write([doc], file)


def test_documents_stay_in_one_split_and_whole(tmp_path):
    (tmp_path / "corpus").mkdir()
    sentences = [[f"d{d}s{s} B-X\n\n" for s in range(5)] for d in range(60)]
    text = "".join("-DOCSTART- O\n\n" + "".join(document) for document in sentences)
    (tmp_path / "corpus" / "all.iob").write_text(text)
    convert(tmp_path / "corpus", tmp_path / "out", n_sents=0)
    docs = {name: docs_of(tmp_path / "out" / f"{name}.spacy") for name in ("train", "dev", "test")}
    assert all(len(doc) == 5 for split in docs.values() for doc in split)
    ids = [document_id(doc) for split in docs.values() for doc in split]
    assert len(ids) == len(set(ids)) == 60


def test_files_named_for_a_split_are_never_passed_over(tmp_path):
    for name in ("train", "dev.json", "test.iob", "notes", "LICENSE"):
        (tmp_path / name).write_text("a B-X\n")
    assert sorted(find_sources(tmp_path)) == ["dev", "test", "train"]


def test_joined_utterances_keep_all_their_intents(tmp_path):
    (tmp_path / "dev").mkdir()
    for name, text in (("seq.in", "play\nhi\n"), ("seq.out", "O\nO\n"), ("label", "Play\nGreet\n")):
        (tmp_path / "dev" / name).write_text(text)
    convert(tmp_path / "dev", tmp_path / "out", n_sents=2)
    [doc] = docs_of(tmp_path / "out" / "dev.spacy")
    assert doc.cats == {"Greet": 1.0, "Play": 1.0}


def test_entity_that_starts_with_white_space_is_exported_from_its_first_word(tmp_path, nlp):
    doc = nlp("Fever  Asp irin")
    assert doc[1].is_space
    doc.set_ents([Span(doc, 0, 1, label="X"), Span(doc, 1, 4, label="X")])
    assert export(save(tmp_path / "dev.spacy", doc), tmp_path / "dev.tsv").exit_code == 0
    assert (tmp_path / "dev.tsv").read_text() == "Fever\tB-X\nAsp\tB-X\nirin\tI-X\n\n"


def test_labels_with_no_place_in_a_column(tmp_path, nlp):
    doc = nlp("Fever")
    doc.set_ents([Span(doc, 0, 1, label="A\tO")])
    result = export(save(tmp_path / "dev.spacy", doc), tmp_path / "dev.tsv")
    assert result.exit_code == 1 and "cannot stand in a column" in output(result)
    assert not (tmp_path / "dev.tsv").exists()


def test_empty_docs_may_come_first_in_training_data(make_examples):
    from spacy.training import Example

    nlp = spacy.blank("en")
    nlp.add_pipe("bio_ner")
    empty = [Example.from_dict(nlp.make_doc(""), {"entities": []}) for _ in range(12)]
    examples = empty + make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    nlp.update(examples, sgd=optimizer)
    embed = nlp.get_pipe("bio_ner").model.get_ref("tok2vec").get_ref("embed")
    assert [vectors.shape for vectors in embed.predict([nlp.make_doc(""), nlp.make_doc("")])] == [(0, 128), (0, 128)]
