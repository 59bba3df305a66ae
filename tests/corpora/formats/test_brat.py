"""brat."""

import pytest

from spacy_bio_ner.corpora.formats import brat
from spacy_bio_ner.corpora.record import Mention, Record

from ..reading import brat_folder, check_errors, lines, read, read_good, texts

TEXT = "Ocular and auditory\ntoxicity of aspirin.\n"


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_brat(tmp_path, bom, line_end):
    annotations = lines(
        "N1\tReference T1 MESH:D14\tocular toxicity",
        "T1\tDIS 0 6;20 28\tOcular toxicity",
        "T2\tDIS 11 28\tauditory toxicity",
        "",
        "T10\tCHEM 32 39\taspirin",
        "T4\tSITE 0 6;7 10\tOcular and",
        "R1\tCauses Arg1:T10 Arg2:T1",
        "E1\tEffect:T2 Cause:T10",
        "A1\tNegated E1",
        "M1\tNegated E1",
        "#1\tAnnotatorNotes T1\tunsure",
        "*\tEquiv T1 T2",
        "N2\tReference T10 CHEBI:15365\taspirin",
        "N3\tReference T1 UMLS:C1",
        "N4\tReference E1 GO:1\tno mention",
    )
    folder = brat_folder(tmp_path / "x", doc_txt=bom + TEXT, doc_ann=bom + annotations.replace("\n", line_end))
    assert brat.matches(folder)
    assert read_good(brat, folder) == [
        Record(
            text=TEXT,
            mentions=[
                Mention(0, 28, "DIS", "MESH:D14|UMLS:C1", ((0, 6), (20, 28))),
                Mention(11, 28, "DIS"),
                Mention(32, 39, "CHEM", "CHEBI:15365"),
                Mention(0, 10, "SITE"),
            ],
            document="doc",
        )
    ]
    assert read(brat, folder)[1].labels["CHEM"] == f"{folder / 'doc.ann'}:5"


@pytest.mark.parametrize("written", ["auditory\r toxicity", "auditory  toxicity"])
def test_brat_counts_the_characters_of_the_file(tmp_path, written):
    text = "\U0001f637 e\u0301 of\r\nauditory\r\ntoxicity\u2028 fever"
    annotations = f"T1\tDIS 9 27\t{written}\nT2\tDIS 29 34\tfever"
    [record] = read_good(brat, brat_folder(tmp_path, a_txt=text, a_ann=annotations))
    assert record.text == text and texts(record) == ["auditory\r\ntoxicity", "fever"]


def test_brat_reads_documents_in_the_order_of_their_names(tmp_path):
    names = ["b", "a", "a.2", "a-1"]
    brat_folder(tmp_path, **{f"{name}_{suffix}": "" for name in names for suffix in ("txt", "ann")}, notes_md="x")
    (tmp_path / "sub.txt").mkdir()
    assert read_good(brat, tmp_path) == [Record(text="", document=name) for name in sorted(names)]


T_LINE = "expected T1, tab, label start end (;start end for each part), tab, text"
BRAT_BAD = {
    "no offsets": ("T1\tDIS\tOcular", T_LINE),
    "no tab": ("T1 DIS 0 6 Ocular", T_LINE),
    "no text": ("T1\tDIS 0 6", T_LINE),
    "no label": ("T1\t0 6\tOcular", T_LINE),
    "negative": ("T1\tDIS -1 6\tOcular", T_LINE),
    "half a part": ("T1\tDIS 0 6;20\tOcular", T_LINE),
    "huge": (f"T1\tDIS 0 {'9' * 5000}\tOcular", T_LINE),
    "start is end": ("T1\tDIS 6 6\t", "found start 6 and end 6, expected start before end"),
    "start after end": ("T1\tDIS 6 0\tOcular", "found start 6 and end 0, expected start before end"),
    "outside": ("T1\tDIS 32 42\taspirin.\n", "both inside the text of 41 characters"),
    "parts overlap": ("T1\tDIS 0 6;5 10\tOcular r and", "found parts that overlap at 5, expected each of them once"),
    "other text": (
        "T1\tDIS 1 7\tOcular",
        "found the mention 'Ocular', but the text has 'cular ' at 1-7: offsets count characters, line ends included",
    ),
    "other text in parts": ("T1\tDIS 0 6;20 28\tOcular  toxicity", "but the text has 'Ocular toxicity' at 0-6, 20-28"),
    "id twice": ("T0\tDIS 0 6\tOcular", "found the id T0 again, expected another"),
    "no such mention": ("N1\tReference T5 MESH:D1\tx", "found a reference of T5, which the file does not have"),
    "no id": ("N1\tReference T0\tx", "expected N1, tab, Reference T1 DB:ID, tab, text"),
    "text": ("Ocular", "found 'Ocular', expected an annotation, such as T1, tab, label start end"),
    "not UTF-8": (b"#1\tNote T0\t\xe9", "byte 0xe9 at position 12 is not UTF-8: save the file as UTF-8"),
}


@pytest.mark.parametrize("name", BRAT_BAD)
def test_brat_errors_have_their_place(tmp_path, name):
    line, message = BRAT_BAD[name]
    first = b"T0\tDIS 0 6\tOcular\n\n"
    reference = b"\nN9\tReference T1 MESH:D1\tx" if name != "no such mention" and line[:2] == "T1" else b""
    annotations = first + (line if isinstance(line, bytes) else line.encode("utf8")) + reference
    folder = brat_folder(tmp_path / "x", a_txt=TEXT, a_ann=annotations, b_txt=TEXT, b_ann=first)
    check_errors(brat, folder, [(f"{folder / 'a.ann'}:3", message)])
    assert [record.document for record in read(brat, folder)[0]] == ["b"]


def test_brat_files_without_their_other_half(tmp_path):
    brat_folder(tmp_path, a_txt="", b_ann="", c_txt="", c_ann="")
    expected = [
        (f"{tmp_path / 'a.txt'}:1", "found no a.ann beside it: add it, empty if there is no entity"),
        (f"{tmp_path / 'b.ann'}:1", "found no b.txt beside it: add the text"),
    ]
    check_errors(brat, tmp_path, expected)


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_brat_text_that_is_not_utf8(tmp_path, bom):
    brat_folder(tmp_path, a_txt=bom + b"one\r\ntwo\r\ncaf\xe9\r\nfour", a_ann="")
    check_errors(
        brat, tmp_path, [(f"{tmp_path / 'a.txt'}:3", "byte 0xe9 at position 4 is not UTF-8: save the file as")]
    )
