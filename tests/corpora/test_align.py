"""Mentions brought onto tokens: what is kept, snapped or lost, and that the ledger adds up."""

from itertools import combinations
from pathlib import Path

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from spacy_bio_ner.callbacks import split_punctuation
from spacy_bio_ner.corpora import align
from spacy_bio_ner.corpora.ledger import Ledger
from spacy_bio_ner.corpora.record import Mention, Record
from spacy_bio_ner.corpora.source_mentions import document_id, source_mentions


@pytest.fixture(scope="module")
def nlp():
    nlp = spacy.blank("en")
    split_punctuation(nlp)
    return nlp


def run(nlp, text, *mentions, **fields):
    ledger = Ledger(Path("source"))
    doc = align.record_to_doc(Record(text=text, mentions=[Mention(*m) for m in mentions], **fields), nlp, ledger)
    ents = [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
    assert sum(ledger.mentions.values()) == len(mentions)
    assert sum(ledger.lost.values()) == ledger.mentions["lost"]
    return doc, ents, ledger


TEXT = "Ocular and auditory toxicity (OAT) of 5-fluorouracil."


def test_exact_mentions_are_kept_with_their_ids(nlp):
    doc, ents, ledger = run(nlp, TEXT, (0, 28, "DIS", "D1|D2"), (30, 33, "DIS", "D1"), (38, 52, "CHEM"))
    assert ents == [(0, 28, "DIS"), (30, 33, "DIS"), (38, 52, "CHEM")]
    assert [ent.kb_id_ for ent in doc.ents] == ["D1|D2", "D1", ""]
    assert ledger.mentions == {"kept": 3}


def test_edges_inside_a_token_are_snapped_outward(nlp):
    _, ents, ledger = run(nlp, TEXT, (40, 45, "CHEM"), (28, 34, "DIS"))
    assert ents == [(29, 34, "DIS"), (40, 52, "CHEM")]
    assert ledger.mentions == {"snapped": 2}
    assert "'fluor' CHEM [40:45] -> 'fluorouracil'" in ledger.examples["snapped"]


@pytest.mark.parametrize(
    "mentions, kept, reason",
    [
        ([(0, 28, "A"), (11, 28, "A")], (0, 28, "A"), align.NESTED),
        ([(11, 28, "A"), (0, 28, "A")], (0, 28, "A"), align.NESTED),
        ([(0, 19, "A"), (11, 34, "B")], (11, 34, "B"), align.OVERLAPPING),
        ([(0, 6, "A"), (0, 6, "A")], (0, 6, "A"), align.DUPLICATE),
        ([(0, 6, "A"), (0, 6, "B")], (0, 6, "A"), align.SAME_SPAN),
    ],
)
def test_of_overlapping_mentions_the_longest_is_kept(nlp, mentions, kept, reason):
    _, ents, ledger = run(nlp, TEXT, *mentions)
    assert ents == [kept]
    assert ledger.lost == {reason: 1} and len(ledger.examples[reason]) == 1


def test_discontinuous_and_blank_mentions_are_lost(nlp):
    fragments = ((0, 6), (20, 28))
    _, ents, ledger = run(nlp, TEXT, (0, 28, "DIS", "", fragments), (6, 7, "DIS"))
    assert ents == []
    assert ledger.lost == {align.DISCONTINUOUS: 1, align.BLANK: 1}
    assert ledger.examples[align.DISCONTINUOUS] == ["'Ocular ... toxicity' DIS [0:28]"]


def test_the_source_is_kept_with_the_doc(nlp):
    doc, _, _ = run(nlp, TEXT, (0, 28, "A", "D1"), (11, 28, "A"), document="42", cats={"x": 1.0}, sent_starts=[0, 29])
    assert source_mentions(doc) == [(0, 28, "A", "D1", ()), (11, 28, "A", "", ())]
    assert document_id(doc) == "42" and doc.cats == {"x": 1.0}
    assert [sentence.text for sentence in doc.sents] == ["Ocular and auditory toxicity", "(OAT) of 5-fluorouracil."]


@given(
    st.text(alphabet="ab-( \n😀", min_size=1, max_size=25),
    st.lists(st.tuples(st.integers(0, 24), st.integers(1, 8), st.sampled_from("XY")), max_size=5),
)
def test_every_mention_has_one_fate(nlp, text, raw):
    mentions = [(s, min(s + n, len(text)), label) for s, n, label in raw if s < len(text)]
    doc, ents, ledger = run(nlp, text, *mentions)
    assert len(ents) == ledger.mentions["kept"] + ledger.mentions["snapped"]
    exact = sum(ent in mentions for ent in ents)
    if all(text[s:e] == text[s:e].strip() for s, e, _ in mentions):
        assert ledger.mentions["kept"] == exact
    assert ledger.mentions["kept"] <= exact  # one with white space at its edges may have been taken for one without
    # An independent statement of what is kept: the greedy choice by length, on the characters of whole tokens.
    for start, end, label in ents:
        assert any(start <= max(s, start) < min(e, end) for s, e, other in mentions if other == label)
    for (_, end, _), (start, _, _) in combinations(ents, 2):
        assert end <= start
    # Nothing is lost for a reason that is not there: a lost mention with text has an entity in its way.
    for s, e, label in mentions:
        if text[s:e].strip() and (s, e, label) not in ents:
            assert any(start < e and s < end for start, end, _ in ents)
