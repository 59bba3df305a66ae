"""Offsets in characters and in UTF-16 units."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_bio_ner.corpora.convert import convert
from spacy_bio_ner.corpora.ledger import Ledger
from spacy_bio_ner.corpora.offsets import check_units, join_parts, locate
from spacy_bio_ner.corpora.options import Offsets, Options
from spacy_bio_ner.util import InputError

from .reading import docs_of, ents_of, output, run, write_file

UTF16, CHARACTERS = Offsets.utf16, Offsets.characters
TEXTS = st.text(st.sampled_from("ab \n\u0301é\U0001f600\U00010348"), min_size=1, max_size=12)


@given(TEXTS, st.data())
def test_units_and_characters_name_the_same_span(text, data):
    """Against an oracle: the text as JavaScript would slice it."""
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    units = [len(text[:offset].encode("utf-16-le")) // 2 for offset in (start, end)]
    for offsets, part in ((CHARACTERS, (start, end)), (UTF16, tuple(units))):
        assert locate(text, [part], offsets, Ledger(Path("x")), text[start:end]) == [(start, end)]
    sliced = text.encode("utf-16-le")[2 * units[0] : 2 * units[1]].decode("utf-16-le")
    assert sliced == text[start:end]


@given(TEXTS, st.integers(-2, 30), st.integers(-2, 30), st.sampled_from(list(Offsets)), st.none() | TEXTS)
def test_any_offsets_are_a_place_or_an_error(text, start, end, offsets, said):
    try:
        [(first, last)] = locate(text, [(start, end)], offsets, Ledger(Path("x")), said)
    except InputError:
        return
    assert 0 <= first < last <= len(text)
    assert said is None or said.replace("\n", " ") == text[first:last].replace("\n", " ")


@pytest.mark.parametrize(
    "part, offsets, said, hint",
    [
        ((2, 9), CHARACTERS, "Lithium", None),
        ((3, 10), CHARACTERS, "Lithium", "use --offsets utf16"),
        ((3, 10), CHARACTERS, "Aspirin", "offsets count characters, line ends included"),
        ((3, 10), UTF16, "Lithium", None),
        ((2, 9), UTF16, "Lithium", "use --offsets characters"),
        ((3, 12), CHARACTERS, None, "found start 3 and end 12, expected start before end"),
        ((4, 12), CHARACTERS, None, "characters"),
        ((1, 3), UTF16, None, "found start 1 and end 3"),
    ],
)
def test_the_way_out_is_named(part, offsets, said, hint):
    text = "\U0001f600 Lithium!"
    if hint is None:
        assert locate(text, [part], offsets, Ledger(Path("x")), said) == [(2, 9)]
    else:
        with pytest.raises(InputError, match=hint):
            locate(text, [part], offsets, Ledger(Path("x")), said)


EMOJI = '{"text": "\U0001f600 ok \U0001f600 Lithium worked.", "label": [[%d, %d, "DRUG"]]}\n'


def test_offsets_without_texts_are_judged_by_the_words_they_fit(tmp_path):
    path = write_file(tmp_path / "dev.jsonl", EMOJI % (9, 16) * 3 + EMOJI % (7, 14))
    result = run(path, tmp_path / "out")
    assert result.exit_code == 1 and not (tmp_path / "out").exists()
    assert "of the mentions behind an emoji or the like 1 fit words as they are, 3 if counted otherwise" in output(
        result
    )
    assert "use --offsets utf16" in output(result)
    convert(write_file(tmp_path / "dev.jsonl", EMOJI % (9, 16)), tmp_path / "out", options=Options(offsets=UTF16))
    assert [ents_of(doc) for doc in docs_of(tmp_path / "out" / "dev.spacy")] == [[("Lithium", "DRUG")]]
    convert(write_file(tmp_path / "dev.jsonl", EMOJI % (7, 14)), tmp_path / "out")
    result = run(path, tmp_path / "again", "--offsets", "utf16")
    assert result.exit_code == 1 and "use --offsets characters" in output(result)


def test_mentions_that_fit_no_word_either_way_decide_nothing():
    ledger = Ledger(Path("x"))
    locate("\U0001f600 Lithium worked", [(4, 7)], None, ledger)
    check_units(ledger, None)


def test_parts_are_sorted_and_joined_over_white_space():
    assert join_parts("ab \n cd ef", [(8, 10), (0, 2), (5, 7)]) == [(0, 10)]
    assert join_parts("ab, cd", [(4, 6), (0, 2)]) == [(0, 2), (4, 6)]
    assert join_parts("abcd", [(0, 2), (2, 4)]) == [(0, 4)]
    with pytest.raises(InputError, match="found parts that overlap at 1"):
        join_parts("abcd", [(0, 2), (1, 4)])
