import gc
import json
import random
import re
import weakref
import zlib
from collections import Counter
from itertools import combinations_with_replacement

import numpy
import pytest
import spacy
from hypothesis import example, given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from spacy.cli import app
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner

import spacy_bio_ner.cli.audit  # noqa: F401  (adds the command)
from spacy_bio_ner.audit.duplicates import near_duplicates
from spacy_bio_ner.audit.findings import audit, read_splits
from spacy_bio_ner.corpora.source_mentions import SourceMention, set_source

VOCAB = spacy.blank("en").vocab


def make(words, *ents, missing=(), document=None, source=None, spaces=None, sent_starts=None):
    """A Doc. Words may be a string of them, ents are (start, end, label) in tokens."""
    words = words.split() if isinstance(words, str) else words
    doc = Doc(VOCAB, words=words, spaces=spaces, sent_starts=sent_starts)
    doc.set_ents([Span(doc, *ent) for ent in ents], missing=[doc[i : i + 1] for i in missing])
    if source is None:
        source = [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
    set_source(doc, document, [SourceMention(*mention, "") for mention in source])
    return doc


def share(count, of):
    return {"count": count, "of": of, "share": pytest.approx(count / of if of else 0)}


def place(split, doc, context, document=None):
    return {"split": split, "doc": doc, "document": document, "context": context}


def test_texts_with_several_labels():
    result = audit(
        {
            "train": [
                make("the RA patients", (1, 2, "DIS"), document="77"),
                make("ra again and RA", (0, 1, "CHEM"), (3, 4, "DIS")),
                make("lead poisoning from lead", (0, 1, "CHEM"), (0 + 3, 4, "CHEM")),
            ],
            "dev": [make("Ra", (0, 1, "DIS")), make("Lead guitar", (0, 1, "ROLE")), make("asthma", (0, 1, "DIS"))],
        }
    )["label_conflicts"]
    assert result == {
        "mentions": share(7, 8),
        "texts": [
            {
                "text": "ra",
                "mentions": 4,
                "labels": {
                    "DIS": {
                        "count": 3,
                        "places": [
                            place("train", 1, "the [RA] patients", "77"),
                            place("train", 2, "ra again and [RA]"),
                            place("dev", 1, "[Ra]"),
                        ],
                    },
                    "CHEM": {"count": 1, "places": [place("train", 2, "[ra] again and RA")]},
                },
            },
            {
                "text": "lead",
                "mentions": 3,
                "labels": {
                    "CHEM": {
                        "count": 2,
                        "places": [
                            place("train", 3, "[lead] poisoning from lead"),
                            place("train", 3, "lead poisoning from [lead]"),
                        ],
                    },
                    "ROLE": {"count": 1, "places": [place("dev", 2, "[Lead] guitar")]},
                },
            },
        ],
    }
    assert list(result["texts"][0]["labels"]) == ["DIS", "CHEM"]


def test_texts_whose_labels_disagree_most_come_first():
    def docs(text, **counts):
        return [make(text, (0, 1, label)) for label, n in counts.items() for _ in range(n)]

    result = audit({"train": [*docs("few", A=1, B=1), *docs("sure", A=20, B=1), *docs("torn", A=5, B=5)]})
    assert [text["text"] for text in result["label_conflicts"]["texts"]] == ["torn", "sure", "few"]


def test_texts_tagged_here_and_untagged_there():
    result = audit(
        {
            "train": [
                make("chronic pain and chronic pain", (0, 2, "DIS"), (3, 5, "DIS"), document="a"),
                make("Chronic Pain is chronic", document="b"),
                make("no chronic pain here", (1, 2, "X")),  # in an entity, in part
                make("no chronic pain here", (0, 3, "X")),  # in a longer one
                make("no chronic pain here", missing=[2]),  # without annotation, in part
                make("chronicpain chronic painful sub-chronic pain-free"),  # no whole tokens of it
                make("it was chronic"),
            ],
            "test": [
                make("pain tagged only once", (0, 1, "DIS")),  # too few mentions to say anything of it
                make("pain"),
                make("severe chronic pain", document="c"),
            ],
        }
    )["untagged"]
    assert result == {
        "tagged": 2,
        "untagged": 2,
        "texts": [
            {
                "text": "chronic pain",
                "tagged": share(2, 4),
                "untagged": 2,
                "labels": {"DIS": 2},
                "places_tagged": [
                    place("train", 1, "[chronic pain] and chronic pain", "a"),
                    place("train", 1, "chronic pain and [chronic pain]", "a"),
                ],
                "places_untagged": [
                    place("train", 2, "[Chronic Pain] is chronic", "b"),
                    place("test", 3, "severe [chronic pain]", "c"),
                ],
            }
        ],
    }


def test_white_space_is_normalised_but_not_ignored():
    joined, apart = [False] * 3, [True] * 3
    words = ["5", "-", "HT"]
    docs = [
        *[make(words, (0, 3, "CHEM"), spaces=joined)] * 2,
        make(words, spaces=joined),
        make(words, spaces=apart),
        make(["5-", "ht"], spaces=[False, False]),
        *[make("chronic pain", (0, 2, "DIS"))] * 2,
        make(["Chronic", "\n", "pain"], spaces=joined),
        make(["Chronic", " ", "pain"], spaces=apart),
        make(["Chronic", " pain"], spaces=joined[:2]),
        make(["Chronic", "pain"], spaces=joined[:2]),
    ]
    found = audit({"train": docs})["untagged"]["texts"]
    assert {text["text"]: text["untagged"] for text in found} == {"5-ht": 2, "chronic pain": 3}
    contexts = [place["context"] for text in found for place in text["places_untagged"]]
    assert contexts == ["[5-HT]", "[5-ht]", "[Chronic pain]", "[Chronic pain]", "[Chronic pain]"]


def test_untagged_places_of_texts_that_are_mostly_mentions_come_first():
    def docs(text, tagged, untagged):
        return [make(text, (0, 1, "X"))] * tagged + [make(text)] * untagged

    splits = {"train": docs("rarely", 2, 60) + docs("mostly", 9, 3) + docs("always", 5, 0) + docs("half", 2, 2)}
    found = audit(splits)["untagged"]
    assert [text["text"] for text in found["texts"]] == ["mostly", "half", "rarely"]
    assert (found["tagged"], found["untagged"]) == (13, 65)


def test_context_is_cut_to_what_stands_near():
    doc = make([*"abcdefghijklmnopqrstuvwxyz", "pain", *"abcdefghijklmnopqrstuvwxyz"], (26, 27, "A"))
    (conflict,) = audit({"train": [doc, make("pain", (0, 1, "B"))]})["label_conflicts"]["texts"]
    assert conflict["labels"]["A"]["places"][0]["context"] == (
        "…o p q r s t u v w x y z [pain] a b c d e f g h i j k l…"
    )


WORDS = ["a", "A", "b", "ab", "a b", " ", "\n", "İ", "Σ", "a.", "-"]


@st.composite
def annotated_docs(draw):
    words = draw(st.lists(st.sampled_from(WORDS), max_size=7))
    spaces = draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words)))
    tags = []
    for _ in words:
        choices = ["O", "O", None, "B-X", "B-Y"]
        if tags and tags[-1] not in ("O", None):
            choices.append("I" + tags[-1][1:])
        tags.append(draw(st.sampled_from(choices)))
    return Doc(VOCAB, words=words, spaces=spaces, ents=tags)


def text_of(doc, start, end):
    """The text of a span in lower case word by word, as sigmas differ at the end of a word."""
    text = "".join(token.text.lower() + token.whitespace_ for token in doc[start:end])
    return " ".join(text.split())


@given(st.lists(annotated_docs(), max_size=6))
def test_texts_are_those_of_an_enumeration_of_all_spans(docs):
    result = audit({"train": docs[:3], "dev": docs[3:]})
    mentions = [(text_of(doc, ent.start, ent.end), ent.label_) for doc in docs for ent in doc.ents]
    tagged = Counter(text for text, _ in mentions)
    outside = Counter()
    for doc in docs:
        for start in range(len(doc)):
            for end in range(start + 1, len(doc) + 1):
                span = doc[start:end]
                if not span[0].is_space and not span[-1].is_space and all(token.ent_iob == 2 for token in span):
                    outside[text_of(doc, start, end)] += 1
    expected = {text: (n, outside[text]) for text, n in tagged.items() if n >= 2 and text and outside[text]}
    found = {text["text"]: (text["tagged"]["count"], text["untagged"]) for text in result["untagged"]["texts"]}
    assert found == expected

    labels = {}
    for text, label in mentions:
        labels.setdefault(text, Counter())[label] += 1
    found = {
        text["text"]: {label: part["count"] for label, part in text["labels"].items()}
        for text in result["label_conflicts"]["texts"]
    }
    assert found == {text: counts for text, counts in labels.items() if len(counts) > 1}


def test_mentions_across_sentence_starts():
    starts = [True, False, True, False]
    result = audit(
        {
            "train": [
                make("a b c d", (0, 2, "X"), (2, 4, "X"), sent_starts=starts),
                make("a b c d", (1, 3, "Y"), sent_starts=starts, document="7"),
                make("a b c d", (1, 3, "Y")),  # no sentences
                make("a", (0, 1, "Y")),
            ],
            "dev": [make("a b", (0, 2, "Y"))],
        }
    )["sentence_crossing"]
    assert result == {
        "train": {
            "docs_with_sentences": 2,
            "mentions": share(1, 5),
            "examples": [{"label": "Y", "place": place("train", 2, "a [b c] d", "7")}],
        },
        "dev": {"docs_with_sentences": 0, "mentions": share(0, 1), "examples": []},
    }


def test_lost_and_snapped_mentions():
    # 0123456789012345678901234
    # drug-induced renal failure
    spaces = [False, False, True, True, False]
    words = ["drug", "-", "induced", "renal", "failure"]
    source = [(0, 4, "CHEM"), (14, 19, "DIS"), (0, 12, "DIS"), (0, 4, "DIS")]
    doc = make(words, (0, 1, "CHEM"), (3, 4, "DIS"), source=source, spaces=spaces, document="9")
    unknown = Doc(VOCAB, words=["fever"], ents=["B-DIS"])  # written by somebody else
    result = audit({"train": [doc, unknown], "dev": []})["lost"]
    assert result == {
        "train": {
            "lost": share(2, 5),
            "snapped": share(1, 5),
            "labels": {"DIS": 2},
            "examples": [
                {
                    "text": "drug-induced",
                    "label": "DIS",
                    "place": place("train", 1, "[drug-induced] renal failure", "9"),
                },
                {
                    "text": "drug",
                    "label": "DIS",
                    "place": place("train", 1, "[drug]-induced renal failure", "9"),
                },
            ],
        },
        "dev": {"lost": share(0, 0), "snapped": share(0, 0), "labels": {}, "examples": []},
    }


@pytest.mark.parametrize("start, end", [(3, 3), (0, 0), (1, 2), (5, 9), (8, 3)])
def test_lost_mentions_may_touch_no_token(start, end):
    doc = make(["a", " ", "b"], source=[(start, end, "X")])
    assert audit({"train": [doc]})["lost"]["train"]["lost"] == share(1, 1)


def pairs_of(result, kind):
    return {(pair["split"], pair["repeats"]): pair[kind]["count"] for pair in result["duplicates"]}


def test_duplicates():
    base = "one two three four five six seven eight nine ten eleven twelve"  # ten 3-grams
    near = base + " thirteen"  # 10 of 11
    far = near.replace("six", "6")  # 8 of 10 and 11
    result = audit(
        {
            "train": [make(base, document="p"), make("Ha ha"), make(base.upper()), make("not like the others at all")],
            "dev": [make(near), make("ha HA"), make("ha ha ha")],
            "test": [make(base), make(near), make(near), make(far)],
        }
    )
    assert pairs_of(result, "exact") == {
        ("train", "train"): 1,
        ("dev", "train"): 1,
        ("test", "train"): 1,
        ("dev", "dev"): 0,
        ("test", "dev"): 2,
        ("test", "test"): 1,
    }
    assert pairs_of(result, "near") == {
        ("train", "train"): 0,
        ("dev", "train"): 1,
        ("test", "train"): 2,
        ("dev", "dev"): 0,
        ("test", "dev"): 1,
        ("test", "test"): 1,
    }
    by_pair = {(pair["split"], pair["repeats"]): pair for pair in result["duplicates"]}
    assert by_pair["dev", "train"]["near"] == share(1, 3)
    opening = "one two three four five six seven eight nine ten eleven twe…"
    assert by_pair["dev", "train"]["examples_near"] == [
        {
            "doc": place("dev", 1, opening),
            "repeats": place("train", 1, opening, "p"),
            "similarity": pytest.approx(10 / 11),
        }
    ]
    assert by_pair["dev", "train"]["examples_exact"] == [
        {"doc": place("dev", 2, "ha HA"), "repeats": place("train", 2, "Ha ha"), "similarity": 1.0}
    ]


def test_similarity_of_exactly_four_fifths_counts():
    words = [f"w{i}" for i in range(10)]  # eight 3-grams
    result = audit({"train": [make(words), make([*words, "x", "y"])]})  # 8 of 10
    assert pairs_of(result, "near") == {("train", "train"): 1}
    result = audit({"train": [make(words), make([*words, "x", "y", "z"])]})  # 8 of 11
    assert pairs_of(result, "near") == {("train", "train"): 0}


def test_the_longest_examples_of_duplicates_come_first():
    docs = [make("1 ."), make("something that is longer")] * 20
    (pair,) = audit({"train": docs})["duplicates"]
    assert pair["exact"]["count"] == 38
    assert [e["doc"]["context"] for e in pair["examples_exact"]] == ["something that is longer"] * 10


def shingles(words):
    return {tuple(words[i : i + 3]) for i in range(len(words) - 2)} if len(words) >= 5 else set()


def similarity(a, b):
    a, b = shingles(a), shingles(b)
    return len(a & b) / len(a | b) if a and b else 0.0


@st.composite
def related_sequences(draw):
    """Sequences of words many of which are nearly the same, in groups."""
    sequences = draw(st.lists(st.lists(st.integers(0, 3), max_size=8), max_size=4))
    sequences += [list(range(draw(st.integers(5, 40)))) for _ in range(draw(st.integers(0, 2)))]
    for _ in range(draw(st.integers(0, 10)) if sequences else 0):
        new = list(draw(st.sampled_from(sequences)))
        for _ in range(draw(st.integers(0, 3))):
            at = draw(st.integers(0, len(new)))
            new[at : at + draw(st.integers(0, 2))] = draw(st.lists(st.integers(0, 50), max_size=2))
        sequences.append(new)
    sequences = draw(st.permutations(sequences))
    return sequences, sorted(draw(st.sampled_from("abc")) for _ in sequences)


@given(related_sequences())
@example(([[0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5]], ["a", "a"]))
def test_near_duplicates_are_those_of_all_pairs(sequences_and_groups):
    sequences, groups = sequences_and_groups
    found = {}
    for i, j, score in near_duplicates([numpy.array(sequence, dtype="int64") for sequence in sequences], groups):
        assert j < i and score == pytest.approx(similarity(sequences[i], sequences[j])) and score >= 0.8
        assert (i, groups[j]) not in found
        found[i, groups[j]] = j
    pairs = ((i, j) for i in range(len(sequences)) for j in range(i))
    assert set(found) == {(i, groups[j]) for i, j in pairs if similarity(sequences[i], sequences[j]) >= 0.8}


@given(related_sequences())
def test_duplicates_are_those_of_all_pairs(sequences_and_groups):
    sequences, groups = sequences_and_groups
    words = [[f"w{number}" for number in sequence] for sequence in sequences]
    splits = {name: [make(doc) for doc, group in zip(words, groups) if group == name] for name in "abc"}
    exact, near = Counter(), Counter()
    for i, group in enumerate(groups):
        for other in "abc":
            before = [j for j in range(i) if groups[j] == other]
            if any(words[j] == words[i] for j in before):
                exact[group, other] += 1
            elif any(similarity(words[j], words[i]) >= 0.8 for j in before):
                near[group, other] += 1
    result = audit(splits)
    pairs = [(later, earlier) for earlier, later in combinations_with_replacement("abc", 2)]
    assert pairs_of(result, "exact") == {pair: exact[pair] for pair in pairs}
    assert pairs_of(result, "near") == {pair: near[pair] for pair in pairs}


@pytest.mark.parametrize("unique", [10, 15, 19])
def test_texts_made_from_one_form_are_no_trouble(unique):
    form = list(range(100 - unique))
    docs = [numpy.array(form + [1000 + i * unique + k for k in range(unique)]) for i in range(3000)]
    found = list(near_duplicates(docs, ["train"] * len(docs)))
    assert len(found) == (len(docs) - 1 if unique == 10 else 0)


def test_labels():
    def docs(label, n):
        return [make("x", (0, 1, label))] * n

    splits = {
        "train": docs("COMMON", 51) + docs("RARE", 50) + docs("ONCE", 1),
        "dev": docs("COMMON", 1) + docs("NEW", 2),
        "test": docs("RARE", 3) + docs("COMMON", 1) + docs("ONCE", 1) + docs("NEW", 1),
    }
    assert audit(splits)["labels"] == {
        "counts": {
            "COMMON": {"train": 51, "dev": 1, "test": 1},
            "NEW": {"train": 0, "dev": 2, "test": 1},
            "ONCE": {"train": 1, "dev": 0, "test": 1},
            "RARE": {"train": 50, "dev": 0, "test": 3},
        },
        "rare": ["ONCE", "RARE"],
        "absent": {"train": ["NEW"], "dev": ["ONCE", "RARE"], "test": []},
    }
    del splits["train"]
    assert audit(splits)["labels"]["rare"] == []


def test_distributions():
    result = audit(
        {
            "train": [
                make("a b c d e f", (0, 1, "X"), (1, 3, "X"), (3, 4, "Y"), (5, 6, "Y")),
                make("a b", missing=[0]),
                make("a b c d", (0, 3, "X")),
                make("a b c d", (0, 1, "X")),
            ],
            "dev": [make("")],
        }
    )
    assert result["splits"] == {
        "train": {
            "docs": 4,
            "tokens": 16,
            "mentions": 6,
            "tokens_in_mentions": share(9, 16),
            "tokens_missing": share(1, 16),
            "docs_without_mention": share(1, 4),
            "adjacent_mentions": share(2, 6),
            "doc_length": {"mean": 4.0, "percentiles": pytest.approx({"50": 4, "90": 5.4, "99": 5.94}), "max": 6},
        },
        "dev": {
            "docs": 1,
            "tokens": 0,
            "mentions": 0,
            "tokens_in_mentions": share(0, 0),
            "tokens_missing": share(0, 0),
            "docs_without_mention": share(1, 1),
            "adjacent_mentions": share(0, 0),
            "doc_length": {"mean": 0.0, "percentiles": {"50": 0.0, "90": 0.0, "99": 0.0}, "max": 0},
        },
    }
    assert result["mention_lengths"] == {
        "X": {"mean": 1.75, "max": 3, "histogram": {"1": 2, "2": 1, "3": 1}},
        "Y": {"mean": 1.0, "max": 1, "histogram": {"1": 2}},
    }


def test_mentions_at_the_edges_of_two_docs_are_not_adjacent():
    docs = [make("a b", (1, 2, "X")), make("a b", (0, 1, "X"))]
    assert audit({"train": docs})["splits"]["train"]["adjacent_mentions"] == share(0, 2)


def test_mentions_unseen_in_train():
    splits = {
        "train": [make("Chronic pain", (0, 2, "DIS")), make("aspirin", (0, 1, "CHEM")), make("fever untagged")],
        "dev": [
            make("chronic  Pain", (0, 2, "DIS")),
            make("aspirin aspirin", (0, 1, "DIS"), (1, 2, "CHEM")),
            make("fever fever", (0, 1, "DIS"), (1, 2, "DIS")),
        ],
        "test": [],
    }
    result = audit(splits)["unseen"]
    none = {"mentions": share(0, 0), "distinct": share(0, 0)}
    assert result == {
        "dev": {
            "mentions": share(3, 5),
            "distinct": share(2, 4),
            "labels": {
                "CHEM": {"mentions": share(0, 1), "distinct": share(0, 1)},
                "DIS": {"mentions": share(3, 4), "distinct": share(2, 3)},
            },
        },
        "test": {**none, "labels": {"CHEM": none, "DIS": none}},
    }
    del splits["train"]
    assert audit(splits)["unseen"] == {}


@pytest.mark.parametrize("splits", [{}, {"train": []}, {"dev": [make("")] * 3}, {"test": [make("a")]}])
def test_nearly_nothing_can_be_audited(splits):
    assert json.loads(json.dumps(audit(splits))) == audit(splits)


def test_docs_are_not_kept():
    class Tracer:
        """Lives as long as its Doc does, which itself cannot be referred to weakly."""

    tracers = weakref.WeakSet()
    alive = []

    def docs():
        for i in range(10):
            doc = make(f"pain and word{i}", (0, 1, "DIS"))
            doc.user_data["tracer"] = tracer = Tracer()
            tracers.add(tracer)
            del tracer
            yield doc
            gc.collect()
            alive.append(len(tracers))

    gc.freeze()  # not to go through all that is there already each time
    try:
        audit({"train": docs()})
    finally:
        gc.unfreeze()
    assert len(alive) == 10 and max(alive) <= 2


CORPUS = {
    "train": [
        make("Amiodarone can cause pulmonary fibrosis .", (0, 1, "CHEM"), (3, 5, "DIS"), document="11"),
        make("pulmonary fibrosis after amiodarone", (0, 2, "DIS"), (3, 4, "CHEM")),
        make("no pulmonary fibrosis was seen", missing=[4]),
        make("the loss", (1, 2, "DIS"), source=[(0, 3, "CHEM"), (4, 7, "DIS")]),
    ],
    "dev": [make("pain and pain", (0, 1, "DIS"), (2, 3, "SIGN"), sent_starts=[True, True, True])],
    "test": [make("amiodarone can cause Pulmonary fibrosis .", (0, 1, "CHEM"), sent_starts=[True] * 6)],
}


def write(folder, splits):
    folder.mkdir(exist_ok=True)
    for name, docs in splits.items():
        DocBin(docs=docs, store_user_data=True).to_disk(folder / f"{name}.spacy")
    return folder


def run(*args):
    return CliRunner().invoke(app, ["bio-ner", "audit", *map(str, args)])


def output(result):
    """What was printed, without the line breaks of the terminal's width."""
    return re.sub(r"\s+", " ", result.output)


def refused(result):
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit)
    assert "Nothing was audited" in result.output
    return output(result)


def test_json_is_what_the_function_returns(tmp_path):
    corpus = write(tmp_path / "corpus", CORPUS)
    path = tmp_path / "audit.json"
    path.write_text("what stood there before")
    result = run(corpus, "--output", path)
    assert result.exit_code == 0, result.output
    expected = audit(CORPUS)
    assert json.loads(path.read_text(encoding="utf8")) == expected == audit(read_splits(corpus))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["audit.json", "corpus"]


def test_findings_are_printed_first(tmp_path):
    result = run(write(tmp_path, CORPUS))
    assert result.exit_code == 0
    printed = output(result)
    findings = [
        "train: no mention of SIGN, which no model can learn",
        "dev: no mention of CHEM, which no model can be measured on",
        "test: no mention of DIS, SIGN, which no model can be measured on",
        "train: 50 mentions or fewer of CHEM (2), DIS (3)",
        "train: 1 of 6 mentions of the source (16.67%) are lost",
        "train: 1 of 6 mentions of the source (16.67%) are moved to the edges of tokens",
        "test: 1 of 1 Docs (100.00%) repeat one of train",
        "1 texts have several labels, in 2 of 8 mentions (25.00%)",
        "1 texts are tagged in 2 places and stand untagged in 2",
        "Every split has mentions",
        "No mention crosses the start of a sentence",
        "Mentions lost",
        "CHEM train 4 [the] loss",
        "1.00 train 11 test 1 amiodarone can cause Pulmonary fibrosis .",
        "DIS 1, SIGN 1 dev 1 pain and [pain]",
        "2 2 train 3 no [pulmonary fibrosis] was seen",
        "Docs 4 1 1",
        "tokens without annotation 5.9% 0.0% 0.0%",
        "DIS 3 1 0 1.5 2 50% 50% 0% 0%",
        "Mentions never seen in train",
        "all 100.0% 100.0% 0.0% 0.0%",
        "SIGN 100.0% 100.0% 0.0% 0.0%",
    ]
    assert [finding for finding in findings if finding not in printed] == []
    assert sorted(findings, key=printed.index) == findings


def test_nothing_found_is_said_too(tmp_path):
    train = [make(f"Fever{i} is here", (0, 1, "DIS"), sent_starts=[True, False, False]) for i in range(51)]
    result = run(write(tmp_path, {"train": train, "dev": [make("Fever7", (0, 1, "DIS"))]}))
    assert result.exit_code == 0
    assert "⚠" not in result.output
    for text in (
        "Every split has mentions",
        "Every label occurs in every split",
        "Every label of train has more than 50 mentions",
        "No mention of the source is lost",
        "No mention of the source is moved to the edges of tokens",
        "No mention crosses the start of a sentence",
        "No Doc repeats another",
        "No text has several labels",
        "No text is tagged here and untagged there",
    ):
        assert text in result.output


def test_lines_are_short_and_lists_are_cut(tmp_path):
    labels = ["A_VERY_LONG_LABEL_WITH_MANY_PARTS", "ANOTHER_VERY_LONG_LABEL_OF_MANY_PARTS"]
    docs = []
    for i in range(15):
        words = [f"unbelievably-long-word-number-{i}"] * 9
        for label in labels:
            ents = [(2, 6, label), (7, 9, label)]
            docs.append(make(words, *ents, document="a-very-long-document-id", source=[(0, 3, label)] * 2))
    result = run(write(tmp_path, {"train": docs, "dev": docs, "test": docs}))
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 100
    assert "... and 20 more" in result.output


def test_shards_are_read(tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    docs = CORPUS["train"]
    write(corpus / "train.spacy", {"00000": docs[:2], "00001": docs[2:]})
    assert run(corpus, "-o", tmp_path / "audit.json").exit_code == 0
    assert json.loads((tmp_path / "audit.json").read_text(encoding="utf8")) == audit({"train": docs})


@pytest.mark.parametrize("splits", [{"train": []}, {"dev": [make("")]}, {"test": [make("a", (0, 1, "X"))]}])
def test_nearly_empty_corpora_are_printed(tmp_path, splits):
    result = run(write(tmp_path, splits))
    assert result.exit_code == 0, result.output


def test_what_is_no_corpus_is_refused(tmp_path):
    assert "no such folder" in refused(run(tmp_path / "none"))
    assert "found none of train.spacy, dev.spacy, test.spacy" in refused(run(tmp_path))
    file = write(tmp_path, CORPUS) / "train.spacy"
    assert "no such folder" in refused(run(file))
    (tmp_path / "dev.spacy").unlink()
    (tmp_path / "dev.spacy").mkdir()
    with pytest.warns(UserWarning, match="W090"):
        assert "dev.spacy: found no .spacy file" in refused(run(tmp_path))


def test_an_output_that_cannot_be_written_is_refused(tmp_path):
    corpus = write(tmp_path / "corpus", CORPUS)
    assert "none: no such folder to write audit.json to" in refused(run(corpus, "-o", tmp_path / "none" / "audit.json"))
    assert "found a folder, expected a file" in refused(run(corpus, "-o", tmp_path))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["corpus"]


def test_damaged_files_are_refused_and_nothing_is_written(tmp_path):
    corpus = write(tmp_path / "corpus", CORPUS)
    path = tmp_path / "audit.json"
    path.write_text("what stood there before")
    good = (corpus / "test.spacy").read_bytes()
    rng = random.Random(0)
    soups = [b"", b"soup", good[:-1], good[: len(good) // 2], zlib.compress(b"soup"), zlib.compress(b"\x80")]
    for _ in range(20):
        soup = bytearray(good)
        soup[rng.randrange(len(soup))] ^= 1 << rng.randrange(8)
        soups.append(bytes(soup))
        soups.append(rng.randbytes(rng.randrange(100)))
    for soup in soups:
        (corpus / "test.spacy").write_bytes(soup)
        result = run(corpus, "-o", path)
        assert "test.spacy: not a DocBin file" in refused(result)
        assert path.read_text() == "what stood there before"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["audit.json", "corpus"]


def read_columns(path):
    words, tags = [], []
    for line in [*path.read_text(encoding="utf8").split("\n"), ""]:
        if line:
            word, tag = line.split("\t")
            words.append(word)
            tags.append(tag)
        elif words:
            yield words, tags
            words, tags = [], []


@pytest.mark.parametrize(
    "name, sizes",
    [
        ("ncbi-disease-iob", [5424, 923, 940]),
        pytest.param("bc5cdr-iob", [4560, 4581, 4797], marks=pytest.mark.slow),
    ],
)
def test_public_corpus(corpora, name, sizes):
    """Numbers of a public corpus, made once more without spaCy."""
    files = {"train": "train", "dev": "devel", "test": "test"}
    sentences = {split: list(read_columns(corpora / name / f"{file}.tsv")) for split, file in files.items()}
    result = audit({split: (Doc(VOCAB, words=w, ents=t) for w, t in part) for split, part in sentences.items()})
    assert [result["splits"][split]["docs"] for split in files] == sizes

    mentions = {
        split: [
            (" ".join(words[start : end + 1]).lower(), label)
            for words, tags in part
            for label, start, end in get_entities(tags)
        ]
        for split, part in sentences.items()
    }
    assert {split: part["mentions"] for split, part in result["splits"].items()} == {
        split: len(part) for split, part in mentions.items()
    }
    seen = set(mentions["train"])
    for split in ("dev", "test"):
        unseen = result["unseen"][split]
        assert unseen["mentions"]["count"] == sum(mention not in seen for mention in mentions[split])
        assert unseen["distinct"]["count"] == len(set(mentions[split]) - seen)

    labels = {}
    tagged = Counter()
    for text, label in (mention for part in mentions.values() for mention in part):
        labels.setdefault(text, Counter())[label] += 1
        tagged[text] += 1
    found = {text["text"] for text in result["label_conflicts"]["texts"]}
    assert found == {text for text, counts in labels.items() if len(counts) > 1}
    outside = "\n".join(
        "".join(f" {word.lower()} " if tag == "O" else "\t" for word, tag in zip(words, tags))
        for part in sentences.values()
        for words, tags in part
    )
    found = {text["text"]: text["untagged"] for text in result["untagged"]["texts"]}
    some = random.Random(0).sample(sorted(text for text, n in tagged.items() if n >= 2), 100)
    for text in {*found, *some}:
        assert found.get(text, 0) == outside.count(f" {text.replace(' ', '  ')} "), text

    docs = [([word.lower() for word in words], split) for split, part in sentences.items() for words, _ in part]
    having, before = {}, {}
    exact, near = Counter(), Counter()
    for i, (words, split) in enumerate(docs):
        same = set(before.setdefault(tuple(words), []))
        shared = Counter(j for shingle in shingles(words) for j in having.get(shingle, ()))
        similar = {docs[j][1] for j, n in shared.items() if n > 2 and similarity(words, docs[j][0]) >= 0.8}
        exact.update((split, other) for other in same)
        near.update((split, other) for other in similar - same)
        before[tuple(words)].append(split)
        for shingle in shingles(words):
            having.setdefault(shingle, []).append(i)
    assert pairs_of(result, "exact") == {pair: exact[pair] for pair in pairs_of(result, "exact")}
    assert pairs_of(result, "near") == {pair: near[pair] for pair in pairs_of(result, "near")}
