"""Tables with a row for each word."""

import pytest

from spacy_bio_ner.corpora.formats import word_table as table
from spacy_bio_ner.corpora.formats.registry import detect_format

from ..reading import check_refused, output, read, read_file, run, write_file

CSV = 'Sentence #,Word,POS,Tag\nSentence: 1,Café,NN,O\n,"New, York",NNP,B-geo\n,"""",``,O\nSentence: 2,Peru,NNP,B-geo\n'


@pytest.mark.parametrize("encoding", ["utf8", "latin-1", "utf-8-sig"])
def test_csv(tmp_path, encoding):
    path = write_file(tmp_path / "train.csv", CSV.encode(encoding))
    assert detect_format(path) == "csv"
    sentences, _ = read(table, path)
    assert [s.words for s in sentences] == [["Café", "New, York", '"'], ["Peru"]]
    assert [s.tags for s in sentences] == [["O", "B-geo", "O"], ["B-geo"]]
    assert [s.lines for s in sentences] == [[2, 3, 4], [5]]


@pytest.mark.parametrize(
    "header",
    [
        "Sentence #,Word,POS,Tag",
        "sentence_idx,word,pos,tag",
        "Sentence_ID,Token,POS,NER_Tag",
        '"Sentence #","Word",x,"Tag"',
    ],
)
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_a_sentence_starts_where_its_number_changes(tmp_path, header, delimiter):
    rows = ["1,London,NNP,B-geo", "1,is,VBZ,O", "2,Rome,NNP,B-geo", ",too,RB,O", "", "1,yes,x,O"]
    if delimiter == "\t":
        header = header.replace('"', "")
    content = "\n".join([header, *rows]).replace(",", delimiter)
    assert detect_format(write_file(tmp_path / "corpus", content)) == "csv"
    sentences = read_file(table, tmp_path, content)
    assert [s.words for s in sentences] == [["London", "is"], ["Rome", "too"], ["yes"]]


def test_tabs_have_no_quotes(tmp_path):
    content = 'Sentence #\tWord\tTag\n1\t"\tO\n\tAspirin\tB-X\n\tx "y" z\tO\n'
    [sentence] = read_file(table, tmp_path, content)
    assert sentence.words == ['"', "Aspirin", 'x "y" z']


@pytest.mark.parametrize(
    "text, message",
    [
        (CSV + ",Lima\n", "train.csv:6: found 2 column(s), expected 4"),
        (CSV + ",Lima,NN,B-geo,x\n", "train.csv:6: found 5 column(s), expected 4"),
        (CSV + ",,NN,B-geo\n", "train.csv:6: the tag 'B-geo' stands on an empty word"),
        (CSV + ',"Lima\nRoma",NN,B-geo\n', "train.csv:6: the tag 'B-geo' stands on a word with a line break"),
        (CSV + ',"Lima\n,x,NN,O\n', "train.csv:6: not CSV as expected: unexpected end of data, in the row that starts"),
        (CSV + ',"Lima"x,NN,O\n', "train.csv:6: not CSV as expected"),
        (CSV + ",Lima,NN,I-geo\n,x,NN,I-per\n", "train.csv:7: 'I-per' follows 'I-geo'"),
        (CSV.replace("POS", "Tag"), "train.csv:1: found the column 'tag' twice, expected it once"),
    ],
)
def test_bad_csv(tmp_path, text, message):
    write_file(tmp_path / "train.csv", text)
    result = run(tmp_path / "train.csv", tmp_path / "out")
    assert result.exit_code == 1 and message in output(result) and not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n"])
def test_csv_without_its_columns(tmp_path, content):
    check_refused(table, tmp_path, content, "expected 'sentence #', 'word' and 'tag'")
    write_file(tmp_path / "dev.csv", content)
    result = run(tmp_path / "dev.csv", tmp_path / "out", "--format", "csv")
    assert result.exit_code == 1 and "dev.csv:1: found the columns" in output(result)


def test_the_column_of_tags_can_be_named(tmp_path):
    content = "sentence_idx,word,tag,fine\n1,a,O,B-X\n"
    [sentence] = read_file(table, tmp_path, content, entity_key="Fine")
    assert sentence.tags == ["B-X"]
