"""WebAnno's TSV 3."""

import pytest

from spacy_bio_ner.corpora.formats import webanno
from spacy_bio_ner.corpora.formats.registry import detect_format
from spacy_bio_ner.corpora.options import Offsets
from spacy_bio_ner.corpora.record import Mention, Record

from ..reading import check_errors, lines, marked, read, write_file

ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
HEAD = lines("#FORMAT=WebAnno TSV 3.3", "#T_SP=x.POS|PosValue", f"#T_SP={ENTITY}|identifier|value", "", "")
FILE = HEAD + lines(
    "#Text=\U0001f600 New York (I\\tb)",
    "1-1\t0-2\t\U0001f600\tSYM\t_\t_\t",
    "1-2\t3-6\tNew\t_\tQ60[1]\tLOC[1]\t",
    "1-3\t7-11\tYork\t_\tQ60[1]|*[2]\tLOC[1]|CI\\_TY[2]\t",
    "1-4\t12-13\t(\t_\t_\tCI\\_TY[2]\t".replace("_\tCI", "*[2]\tCI"),
    "1-5\t13-16\tI\\tb\t_\t*\tORG\t",
    "1-5.1\t13-14\tI\t_\t*\tSUB\t",
    "1-6\t16-17\t)\t_\t_\t_\t",
    "",
    "#Sentence.id=2",
    "#Text= And",
    "#Text=Rome",
    "2-1\t19-22\tAnd\tCC\t_\t_\t",
    "2-2\t23-27\tRome\t_\t*\tLOC\t",
)
RECORD = Record(
    text="\U0001f600 New York (I\tb)\n And\nRome",
    mentions=[
        Mention(2, 10, "LOC", "Q60"),
        Mention(6, 12, "CI_TY"),
        Mention(12, 15, "ORG"),
        Mention(12, 13, "SUB"),
        Mention(22, 26, "LOC"),
    ],
    sent_starts=[0, 18],
    document="doc",
)


@pytest.mark.parametrize("content", [FILE, FILE.replace("\n", "\r\n"), FILE.replace("\t\n", "\n"), FILE.rstrip("\n")])
def test_a_document(tmp_path, content):
    path = write_file(tmp_path / "doc.tsv", content)
    assert detect_format(path) == "webanno"
    [record], ledger = read(webanno, path)
    assert not ledger.errors and record == RECORD
    assert ledger.passed_over == {"annotations of the layer POS": 2, "comment lines": 1}
    assert ledger.labels["ORG"] == f"{path}:11"


def test_a_folder_of_documents(tmp_path):
    for name in ("b", "a"):
        write_file(tmp_path / f"{name}.tsv", FILE)
    assert detect_format(tmp_path) == "webanno"
    assert [record.document for record in read(webanno, tmp_path)[0]] == ["a", "b"]


ONE = "#T_SP={}\n\n\n#Text=Rome\n1-1\t0-4\tRome\t{}\n"


@pytest.mark.parametrize("layer", ["custom.Span|label", "webanno.custom.Ner|value|note", f"{ENTITY}|value"])
def test_layers_of_ones_own(tmp_path, layer):
    cells = "\t".join(["LOC", *"_" * (layer.count("|") - 1)])
    path = write_file(tmp_path / "doc.tsv", "#FORMAT=WebAnno TSV 3.2\n" + ONE.format(layer, cells))
    [record], ledger = read(webanno, path)
    assert not ledger.errors and marked(record) == [("Rome", "LOC")]


def test_the_layer_can_be_named(tmp_path):
    content = "#FORMAT=WebAnno TSV 3.2\n#T_RL=r|type|BT_a\n#T_SP=a.A|x\n" + ONE.format("b.B|x", "_\t1-1\tNO\tLOC")
    path = write_file(tmp_path / "doc.tsv", content)
    _, ledger = read(webanno, path)
    assert "found the layers a.A, b.B, expected one of entities: name it with --entity-key" in ledger.errors[0]
    for key in ("B", "b.B"):
        [record], ledger = read(webanno, path, entity_key=key)
        assert marked(record) == [("Rome", "LOC")]
        assert ledger.passed_over == {"annotations of the layer A": 1}


def test_offsets_of_other_programs_may_count_characters(tmp_path):
    content = HEAD + "#Text=\U0001f600 New\n1-1\t0-1\t\U0001f600\t_\t_\t_\n1-2\t2-5\tNew\t_\t_\tX\n"
    path = write_file(tmp_path / "doc.tsv", content)
    _, ledger = read(webanno, path)
    assert any("use --offsets characters" in error for error in ledger.errors), ledger.errors
    [record], ledger = read(webanno, path, offsets=Offsets.characters)
    assert not ledger.errors and marked(record) == [("New", "X")]


@pytest.mark.parametrize(
    "line, message",
    [
        ("1-2\t2-6\tRome\t_\t_\t_", "found start 2 and end 6"),
        ("1-2\t5-9\tRoma\t_\t_\t_", "found the mention 'Roma', but the text has 'Rome' at 5-9"),
        ("1-2\t5-9\tRome\t_\t_", "found 2 columns behind the token, but the header has 3"),
        ("1-2\t5-9", "found '1-2\\t5-9', expected sentence-token, tab, start-end, tab, token, and columns"),
        ("x", "found 'x', expected sentence-token"),
        ("1-2\t5-9\tRome\t_\t*\t*", "found an annotation of " + ENTITY + " without value, expected a label"),
        ("1-2\t5-9\tRome\t_\t*[3]\tY[3]", "found Y for the annotation [3], but X before"),
    ],
)
def test_refusals(tmp_path, line, message):
    path = write_file(tmp_path / "doc.tsv", HEAD + f"#Text=From Rome\n1-1\t0-4\tFrom\t_\t*[3]\tX[3]\n{line}\n")
    if "start 2" in message:
        message = "found the mention 'Rome', but the text has 'om R' at 2-6"
    check_errors(webanno, path, [(f"{path}:8", message)])
    assert read(webanno, path)[0] == []


def test_no_layer_of_entities(tmp_path):
    path = write_file(tmp_path / "doc.tsv", "#FORMAT=WebAnno TSV 3.2\n" + ONE.format("x.POS|PosValue", "N"))
    check_errors(webanno, path, [(f"{path}:6", "found the layers x.POS, expected one of entities")])
