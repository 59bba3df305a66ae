"""What a pipeline asks about a text, given what was answered."""

import pytest
from spacy.tokens import Doc

from spacy_bio_ner.asking.questions import MIN_PROBABILITY, doubt, find_questions, prepare
from spacy_bio_ner.corpora.answers import ACCEPT, IGNORE, REJECT
from spacy_bio_ner.util import InputError

from ..crf.enumeration import enumerate_probabilities, spans_of

TEXT = "Aspirin after fever"


@pytest.fixture
def asking(unsure):
    prepare(unsure)
    return unsure


def ask(nlp, verdicts=(), text=TEXT):
    [questions] = find_questions(nlp, [(nlp.make_doc(text), dict(verdicts))])
    return questions


def enumerated(nlp, rejected=(), accepted=()):
    """The probability of every span, and the expected number of entities, by going through all analyses in which the
    accepted spans are entities and the rejected ones are none."""
    component, doc = nlp.get_pipe("bio_ner"), nlp.make_doc(TEXT)
    labels = list(component.labels)

    def indices(places):
        spans = [doc.char_span(start, end, label=label) for start, end, label in places]
        return [(span.start, span.end, labels.index(span.label_)) for span in spans]

    scores = component.model.predict([Doc(nlp.vocab, words=[token.text for token in doc])])
    [(_, sequences)] = enumerate_probabilities(scores, rejected=indices(rejected))
    agreeing = [(tags, p) for tags, p in sequences if set(indices(accepted)) <= set(spans_of(tags))]
    total = sum(p for _, p in agreeing)
    found = {}
    for tags, p in agreeing:
        for start, end, label in spans_of(tags):
            span = doc[start:end]
            place = (span.start_char, span.end_char, labels[label])
            found[place] = found.get(place, 0.0) + p / total
    return found, sum(found.values())


@pytest.mark.parametrize("verdict", [ACCEPT, REJECT, IGNORE])
def test_probabilities_are_given_the_answers(asking, verdict):
    first = ask(asking).open[0]
    questions = ask(asking, {first.place: verdict})
    known = {ACCEPT: {"accepted": [first.place]}, REJECT: {"rejected": [first.place]}, IGNORE: {}}[verdict]
    expected, number = enumerated(asking, **known)
    wanted = {place for place, p in expected.items() if MIN_PROBABILITY < p < 1 - MIN_PROBABILITY} - {first.place}
    assert {question.place for question in questions.open} == wanted and wanted
    for question in questions.open:
        assert question.probability == pytest.approx(expected[question.place], abs=1e-4)
    sure = {place: p for place, p in expected.items() if p > 1 - MIN_PROBABILITY}
    assert set(questions.sure) == set(sure) - {first.place}
    assert questions.further == pytest.approx(number - sum(sure.values()), abs=1e-4)
    assert [doubt(question) for question in questions.open] == sorted(map(doubt, questions.open))


def test_answers_that_are_no_tokens_are_as_convert_has_them(asking):
    """Accepted ones grow to the tokens, rejected ones say nothing."""
    accepted, rejected = (0, 4, "CHEM"), (14, 17, "DIS")
    grown = ask(asking, {accepted: ACCEPT, (0, 7, "CHEM"): ACCEPT})
    assert not [question for question in grown.open if question.start < 7]
    assert ask(asking, {rejected: REJECT}) == ask(asking)


def test_labels_that_the_pipeline_does_not_know_can_be_accepted(asking):
    questions = ask(asking, {(0, 7, "OTHER"): ACCEPT})
    assert not [question for question in questions.open if question.start < 7] and questions.further >= 0


def test_a_text_without_a_token_has_no_question(asking):
    assert ask(asking, text="") == ([], [], 0.0)


def test_a_pipeline_without_probabilities_is_refused(nlp):
    with pytest.raises(InputError, match="no component of the pipeline is a bio_ner"):
        prepare(nlp)
