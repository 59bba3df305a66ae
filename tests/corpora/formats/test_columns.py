"""Columns beyond a token and its tag: comments, counted tokens, inner entities, blank tokens, other line ends."""

import pytest

from spacy_bio_ner.corpora.formats import columns
from spacy_bio_ner.corpora.options import Columns
from spacy_bio_ner.corpora.tagged import read_records
from spacy_bio_ner.corpora.tags import Scheme, detect_scheme

from ..reading import check_refused, entities, lines, read, read_file, write_file


def rows(sentences):
    return [list(zip(s.words, s.tags)) for s in sentences]


def read_entities(tmp_path, content, scheme=Scheme.bio, **options):
    """The entities of a file, and what became of them."""
    path = write_file(tmp_path / "corpus", content)
    sentences, ledger = read(columns, path, **options)
    records = list(read_records(sentences, scheme, False, ledger))
    assert not ledger.errors
    return [entities(record) for record in records], ledger


JNLPBA = "###MEDLINE:95343554\n\nIL-2\tB-DNA\ngene\tI-DNA\n\nof\tO\n\n###MEDLINE:95343555\n\nB\tB-protein\n\n"
MULTICONER = "# id 4e7a-01\tdomain=en\nbrown _ _ B-CW\nfox _ _ I-CW\n\n# id 4e7a-02\tdomain=en\nparis _ _ B-LOC\n\n"
GERMEVAL = (
    "#\thttp://de.example.org/wiki/A [2009-10-17]\n1\tUni\tB-ORG\tO\n2\tKöln\tI-ORG\tB-LOC\n3\tist\tO\tO\n\n"
    "#\tn-tv [2010-01-01]\n1\tBonner\tB-LOCderiv\tB-LOCderiv\n\n"
)
UNER = "# sent_id = a-1\n# text = In Rome\n1\tIn\tO\t-\tsomebody\n2\tRome\tB-LOC\t-\tsomebody\n\n"
LABEL_STUDIO = (
    "-DOCSTART- -X- O\nLithium -X- _ B-Drug\n -X- _ I-Drug\ncarbonate -X- _ I-Drug\n -X- _ O\n"
    "tremor -X- _ B-Adverse Event\n\n"
)


@pytest.mark.parametrize(
    "content, expected, documents, n_comments",
    [
        (
            JNLPBA,
            [[("IL-2", "B-DNA"), ("gene", "I-DNA")], [("of", "O")], [("B", "B-protein")]],
            ["95343554", "95343554", "95343555"],
            2,
        ),
        (
            MULTICONER,
            [[("brown", "B-CW"), ("fox", "I-CW")], [("paris", "B-LOC")]],
            ["4e7a-01", "4e7a-02"],
            2,
        ),
        (
            GERMEVAL,
            [[("Uni", "B-ORG"), ("Köln", "I-ORG"), ("ist", "O")], [("Bonner", "B-LOCderiv")]],
            [None, None],
            2,
        ),
        (UNER, [[("In", "O"), ("Rome", "B-LOC")]], [None], 2),
    ],
    ids=["JNLPBA", "MultiCoNER", "GermEval", "Universal NER"],
)
def test_comments_are_passed_over_and_name_documents(tmp_path, content, expected, documents, n_comments):
    path = write_file(tmp_path / "corpus", content)
    sentences, ledger = read(columns, path)
    assert rows(sentences) == expected and not ledger.errors
    assert [sentence.document for sentence in sentences] == documents
    assert ledger.passed_over == {"comment lines": n_comments}


def test_tokens_that_look_like_comments_are_tokens(tmp_path):
    content = "#\tO\nhashtag\tB-X\n\n#hashtag\tB-X\n\n"
    assert rows(read_file(columns, tmp_path, content)) == [[("#", "O"), ("hashtag", "B-X")], [("#hashtag", "B-X")]]


def test_a_comment_in_a_sentence_is_refused(tmp_path):
    check_refused(columns, tmp_path, "a\tO\n# comment\nb\tO\n", "found no tab in '# comment', but other lines have")


def test_inner_entities_are_lost_with_a_reason(tmp_path, nlp):
    from spacy_bio_ner.corpora.align import record_to_doc

    path = write_file(tmp_path / "corpus", GERMEVAL)
    sentences, ledger = read(columns, path)
    docs = [record_to_doc(record, nlp, ledger) for record in read_records(sentences, Scheme.bio, False, ledger)]
    assert [(ent.text.strip(), ent.label_) for doc in docs for ent in doc.ents] == [
        ("Uni Köln", "ORG"),
        ("Bonner", "LOCderiv"),
    ]
    assert +ledger.mentions == {"kept": 2, "lost": 2}
    assert ledger.lost == {
        "nested: inside a longer mention": 1,
        "duplicate: the same span and label once more": 1,
    }


def test_label_studios_blank_tokens_and_labels_with_blanks(tmp_path):
    found, ledger = read_entities(tmp_path, LABEL_STUDIO)
    assert found == [[(["Lithium", "carbonate"], "Drug"), (["tremor"], "Adverse Event")]]
    assert ledger.passed_over == {"blank tokens": 2}


def test_an_entity_that_starts_on_a_blank_token_is_refused(tmp_path):
    content = "a -X- _ O\n -X- _ B-Drug\nb -X- _ I-Drug\n"
    check_refused(columns, tmp_path, content, "the tag 'B-Drug' stands on an empty token, expected a token")


@pytest.mark.parametrize("line_end", ["\r", "\r\n", "\n"])
def test_line_ends(tmp_path, line_end):
    content = "Lithium\tB-DRUG\ncaused\tO\n\nAspirin\tB-DRUG\n".replace("\n", line_end)
    assert rows(read_file(columns, tmp_path, content)) == [
        [("Lithium", "B-DRUG"), ("caused", "O")],
        [("Aspirin", "B-DRUG")],
    ]


def test_bmes(tmp_path):
    content = "南\tB-LOC\n京\tM-LOC\n市\tE-LOC\n长\tS-X\n人\tO\n"
    [[tags]] = [[sentence.tags for sentence in read_file(columns, tmp_path, content)]]
    assert detect_scheme([tags]) is Scheme.iobes
    found, _ = read_entities(tmp_path, content, Scheme.iobes)
    assert found == [[(["南", "京", "市"], "LOC"), (["长"], "X")]]


@pytest.mark.parametrize("tags", [["B-X", "M-X", "M-X"], ["M-X"]])
def test_bmes_is_told_by_its_middle(tags):
    assert detect_scheme([tags]) is Scheme.iobes


@pytest.mark.parametrize(
    "content, message",
    [
        ("a O\nNew York B-LOC\n", ":2: found 3 column(s) in 'New York B-LOC', but the first line has 2: use tabs"),
        ("a NN O\nb O\n", ":2: found 2 column(s) in 'b O', but the first line has 3"),
        ("a\tNN\tO\nNew York\tNN\tO\nNew York B-LOC\n", ":3: found no tab in 'New York B-LOC'"),
        ("a\tO\nb\tO\tB-X\n", ":2: found 3 column(s) in 'b\\tO\\tB-X', but the first line has 2"),
        ("a\tO\rb\tB-X\nc\tO\nd\tO\n", ":1: found a carriage return in"),
        ("1\ta\tO\n2\tb\tO\n\n1\tc\tO\n3\td\tO\n", ":5: found '3' in the column that counts tokens, expected 2"),
    ],
)
def test_a_column_that_is_not_what_it_was_is_named(tmp_path, content, message):
    path = write_file(tmp_path / "corpus", content)
    _, ledger = read(columns, path)
    assert any(message in error for error in ledger.errors), ledger.errors


def test_counted_tokens_go_on_being_counted(tmp_path):
    content = "1\ta\tO\n2\tb\tO\n\n" * 600 + "1\ta\tO\n3\tb\tB-X\n"
    path = write_file(tmp_path / "corpus", content)
    _, ledger = read(columns, path)
    assert ledger.errors == [f"{path}:1802: found '3' in the column that counts tokens, expected 2"]


def test_columns_that_the_user_names_are_as_they_say(tmp_path):
    content = lines("x a B-X y", "x b O y z")
    assert rows(read_file(columns, tmp_path, content, columns=Columns(None, 2, 3))) == [[("a", "B-X"), ("b", "O")]]
    content = lines("1|a|NN|B-X", "2|b|NN|O")
    assert rows(read_file(columns, tmp_path, content, columns=Columns("|", 2, -1))) == [[("a", "B-X"), ("b", "O")]]
    check_refused(columns, tmp_path, "a O\n", "expected at least 3", columns=Columns(None, 3, -1))


def test_counting_columns_keep_their_tag_beside_others(tmp_path):
    """Where the third column has no tags, the first that has some is taken."""
    content = lines("1\tIn\tIN\tO\t_", "2\tRome\tNNP\tB-LOC\t_")
    assert rows(read_file(columns, tmp_path, content)) == [[("In", "O"), ("Rome", "B-LOC")]]
