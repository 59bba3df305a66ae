"""BioC in XML and JSON."""

import json

import pytest

from spacy_bio_ner.corpora.formats import bioc
from spacy_bio_ner.corpora.formats.registry import detect_format
from spacy_bio_ner.corpora.options import Offsets
from spacy_bio_ner.corpora.record import Mention, Record

from ..reading import check_errors, check_refused, marked, read, read_file, write_file

XML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE collection SYSTEM "BioC.dtd">
<collection><source>x</source><date>1</date><key>k</key>
<document><id>7</id>
<passage><infon key="type">title</infon><offset>0</offset><text>Fever &amp; aspirin</text>
<annotation id="0"><infon key="type">DIS</infon><infon key="MESH">D1</infon>
<location offset="0" length="5"/><text>Fever</text></annotation>
<annotation id="1"><infon key="type">CHEM</infon><infon key="identifier">-</infon>
<location offset="8" length="7"/><text>aspirin</text></annotation>
</passage>
<passage><infon key="type">abstract</infon><offset>16</offset><text>Ocular and auditory toxicity.</text>
<annotation id="2"><infon key="type">DIS</infon>
<location offset="36" length="8"/><location offset="16" length="6"/>
<text>Ocular and auditory toxicity</text></annotation>
</passage>
<relation id="R0"><infon key="relation">CID</infon><node refid="0" role="a"/></relation>
</document>
<document><id>8</id><passage><offset>0</offset><text></text></passage></document>
</collection>
"""
DOCUMENT = {
    "id": "7",
    "passages": [
        {
            "infons": {"type": "title"},
            "offset": 0,
            "text": "Fever & aspirin",
            "annotations": [
                {"id": "0", "infons": {"type": "DIS", "MESH": "D1"}, "text": "Fever",
                 "locations": [{"offset": 0, "length": 5}]},
                {"id": "1", "infons": {"type": "CHEM", "identifier": "-"}, "text": "aspirin",
                 "locations": [{"offset": 8, "length": 7}]},
            ],
        },
        {
            "offset": 16,
            "text": "Ocular and auditory toxicity.",
            "annotations": [
                {"infons": {"type": "DIS"}, "text": "Ocular and auditory toxicity",
                 "locations": [{"offset": 36, "length": 8}, {"offset": 16, "length": 6}]},
            ],
            "relations": [],
        },
    ],
    "relations": [{"id": "R0"}],
}  # fmt: skip
EMPTY = {"id": 8, "passages": [{"offset": 0, "text": ""}]}
RECORDS = [
    Record(
        text="Fever & aspirin\nOcular and auditory toxicity.",
        mentions=[
            Mention(0, 5, "DIS", "D1"),
            Mention(8, 15, "CHEM"),
            Mention(16, 44, "DIS", "", ((16, 22), (36, 44))),
        ],
        sent_starts=[0, 16],
        document="7",
    ),
    Record(text="", document="8"),
]


@pytest.mark.parametrize(
    "content",
    [
        XML,
        "\ufeff" + XML,
        json.dumps({"source": "x", "documents": [DOCUMENT, EMPTY]}),
        json.dumps({"PubTator3": [DOCUMENT, EMPTY]}, indent=1),
        json.dumps(DOCUMENT) + "\n" + json.dumps(EMPTY),
        json.dumps([DOCUMENT, EMPTY]),
    ],
    ids=["XML", "XML with a BOM", "JSON", "PubTator's", "JSON Lines", "JSON array"],
)
def test_documents(tmp_path, content):
    path = write_file(tmp_path / "corpus", content)
    assert detect_format(path) == "bioc"
    records, ledger = read(bioc, path)
    assert not ledger.errors and records == RECORDS
    assert +ledger.passed_over == {"relations": 1}


def test_a_folder_of_documents(tmp_path):
    write_file(tmp_path / "b.xml", XML.replace("<id>", "<id>1"))
    write_file(tmp_path / "a.json", DOCUMENT)
    (tmp_path / ".hidden").write_text("")
    assert detect_format(tmp_path) == "bioc"
    assert [record.document for record in read(bioc, tmp_path)[0]] == ["7", "17", "18"]
    write_file(tmp_path / "c.json", DOCUMENT)
    check_errors(
        bioc, tmp_path, [(f"{tmp_path / 'c.json'}:1", f"found the document '7' of {tmp_path / 'a.json'}:1 again")]
    )
    write_file(tmp_path / "c.json", "[]")
    assert not bioc.matches(tmp_path)


def document(annotation=None, **passage):
    annotations = [] if annotation is None else [annotation]
    return {"id": "1", "passages": [{"offset": 5, "text": "Fever", "annotations": annotations, **passage}]}


def annotation(offset=5, length=5, text="Fever", **infons):
    return {"infons": infons or {"type": "X"}, "text": text, "locations": [{"offset": offset, "length": length}]}


def test_passages_may_have_their_text_in_sentences(tmp_path):
    sentences = [
        {"offset": 5, "text": "One.", "annotations": [annotation(5, 3, "One")]},
        {"offset": 11, "text": "Two.", "annotations": [annotation(11, 3, "Two")], "relations": [{}]},
    ]
    [record] = read_file(bioc, tmp_path, document(text=None, sentences=sentences))
    assert record.text == "One.  Two." and marked(record) == [("One", "X"), ("Two", "X")]
    sentences[1]["offset"] = 3
    check_refused(
        bioc, tmp_path, document(text=None, sentences=sentences), "found a sentence at 3, expected it at the end"
    )
    sentences[1]["offset"] = 10**12
    check_refused(bioc, tmp_path, document(text=None, sentences=sentences), "found a sentence at 1000000000000")


def test_the_infon_of_labels_can_be_named(tmp_path):
    [record] = read_file(bioc, tmp_path, document(annotation(kind="X", type="Y")), entity_key="kind")
    assert record.mentions == [Mention(0, 5, "X")]


def test_offsets_can_count_utf16(tmp_path):
    content = {"id": "1", "passages": [{"offset": 0, "text": "\U0001f600 Fever", "annotations": [annotation(3)]}]}
    check_refused(bioc, tmp_path, content, "found start 3 and end 8")
    [record] = read_file(bioc, tmp_path, content, offsets=Offsets.utf16)
    assert marked(record) == [("Fever", "X")]


@pytest.mark.parametrize(
    "content, message",
    [
        (document(annotation(kind="X")), "found the infons ['kind'], expected 'type': name the one that has the label"),
        (document(annotation(type=5)), "type: found 5, expected a string"),
        (document(annotation(type=" ")), "type: found ' ', expected a name"),
        (document(annotation(4)), "found an annotation at 4, but the first passage starts behind it"),
        (document(annotation(6)), "found start 1 and end 6, expected start before end"),
        (document(annotation(text="fever")), "found the mention 'fever', but the text has 'Fever' at 0-5"),
        (document({**annotation(), "locations": []}), "found no location of 'Fever', expected one"),
        (document({**annotation(), "locations": [{"offset": "5", "length": 5}]}), "locations[0].offset: found '5'"),
        (document({"infons": {}, "locations": None}), "annotations[0].locations: found nothing in"),
        (document(offset=None), "passages[0].offset: found nothing in"),
        ({"passages": {}}, "passages: found {}, expected a list"),
        ({"documents": [5]}, "found 5, expected an object"),
        ({"id": 1.5, "passages": []}, "id: found 1.5, expected a string"),
    ],
)
def test_refusals(tmp_path, content, message):
    check_refused(bioc, tmp_path, content, message)


@pytest.mark.parametrize(
    "old, new, line, message",
    [
        ("</passage>\n<passage>", "<passage>", 16, "not XML as expected: mismatched tag"),
        ("<offset>0</offset>", "<offset>x</offset>", 4, "passages[0].offset: found 'x', expected a whole number"),
        ('offset="0"', 'offset="zero"', 4, "locations[0].offset: found 'zero', expected a whole number"),
        ('<infon key="type">CHEM', '<infon key="kind">CHEM', 4, "found the infons ['kind', 'identifier'], expected"),
        ("&amp;", "&lol;", 1, "not XML as expected: the entity &lol; is not defined in the file"),
        ("UTF-8", "UTF-x", 1, "not XML as expected: unknown encoding"),
        ("</collection>", "", 20, "not XML as expected: no element found"),
    ],
)  # fmt: skip
def test_refusals_of_xml(tmp_path, old, new, line, message):
    path = write_file(tmp_path / "corpus", XML.replace(old, new, 1))
    _, ledger = read(bioc, path)
    assert ledger.n_errors == 1 and message in ledger.errors[0], ledger.errors
    assert ledger.errors[0].startswith(f"{path}:{line}: "), ledger.errors


def test_entities_that_grow_and_files_outside_are_not_read(tmp_path):
    (tmp_path / "secret").write_text("secret")
    grow = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(9))
    for entities, entity in ((f'<!ENTITY l0 "lol">{grow}', "&l9;"), (f'<!ENTITY x SYSTEM "{tmp_path}/secret">', "&x;")):
        content = XML.replace('SYSTEM "BioC.dtd">', f"[{entities}]>").replace("&amp;", entity)
        records, ledger = read(bioc, write_file(tmp_path / "corpus", content))
        assert ledger.errors or all("secret" not in record.text for record in records)
        assert sum(len(record.text) for record in records) < 1000
