"""Which questions a pipeline has about a text, given what a person has answered about it.

A question is whether a span is an entity with a label. What was answered is set on the Doc before the pipeline reads
it: accepted spans as its entities, rejected ones as spans that are known to be none. The probabilities of the other
spans are then given these answers, exactly, so that a no to one boundary makes the others more probable.
"""

from typing import Dict, Iterable, Iterator, List, NamedTuple, Tuple

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import filter_spans

from ..confidence import expected_entities, read_scored
from ..corpora.answers import ACCEPT, REJECT
from ..corpora.source_mentions import INCORRECT_SPANS
from ..evaluation.calibration import bio_ner_of

# Spans that are less probable, or more probable than one minus it, are not asked about.
MIN_PROBABILITY = 0.05

# Start and end character, and label
Place = Tuple[int, int, str]


class Question(NamedTuple):
    """Whether a span is an entity with a label.

    start (int): Its first character.
    end (int): The one after its last.
    label (str): The label.
    probability (float): How probable it is, given the answers about other spans of the text.
    """

    start: int
    end: int
    label: str
    probability: float

    @property
    def place(self) -> Place:
        """RETURNS (Tuple[int, int, str]): Start, end and label."""
        return self.start, self.end, self.label


class Questions(NamedTuple):
    """What there is to ask about a text.

    open (List[Question]): The questions, those that the pipeline knows least about first.
    sure (List[Tuple[int, int, str]]): Spans that it is sure of, so that they are not asked about.
    further (float): The expected number of entities beside these and those that were accepted.
    """

    open: List[Question]
    sure: List[Place]
    further: float


def prepare(nlp: Language) -> None:
    """Have a pipeline give candidates, and heed rejected spans.

    nlp (Language): The pipeline.
    RAISES (InputError): If it has no bio_ner.
    """
    component = bio_ner_of(nlp)
    component.cfg["candidate_threshold"] = MIN_PROBABILITY
    component.cfg["incorrect_spans_key"] = INCORRECT_SPANS


def find_questions(nlp: Language, asked: Iterable[Tuple[Doc, Dict[Place, str]]]) -> Iterator[Questions]:
    """Find what there is to ask about texts.

    nlp (Language): The pipeline, prepared.
    asked (Iterable[Tuple[Doc, Dict[Tuple[int, int, str], str]]]): For each text its tokens, and the answers about its
        spans: accept, reject or ignore.
    YIELDS (Questions): What there is to ask about each.
    """
    key = bio_ner_of(nlp).spans_key
    given = ((_given(doc, verdicts), verdicts) for doc, verdicts in asked)
    for doc, verdicts in nlp.pipe(given, as_tuples=True):
        questions, sure = [], []
        further = sum((expected_entities(doc) or {}).values())
        for row in read_scored(doc, key):
            question = Question(row.start_char, row.end_char, row.label, row.probability)
            if row.probability > 1 - MIN_PROBABILITY:
                further -= row.probability
                if question.place not in verdicts:
                    sure.append(question.place)
            elif row.probability >= MIN_PROBABILITY and question.place not in verdicts:
                questions.append(question)
        yield Questions(sorted(questions, key=doubt), sure, max(further, 0.0))


def doubt(question: Question) -> float:
    """RETURNS (float): How far the pipeline is from knowing nothing about a span: 0 where it is as probable as not."""
    return abs(question.probability - 0.5)


def _given(doc: Doc, verdicts: Dict[Place, str]) -> Doc:
    """RETURNS (Doc): The Doc with what was answered, brought onto its tokens as `bio-ner convert` does it."""
    spans = [
        (doc.char_span(*place, alignment_mode="expand" if verdict == ACCEPT else "strict"), verdict)
        for place, verdict in verdicts.items()
    ]
    doc.set_ents(filter_spans(span for span, verdict in spans if span and verdict == ACCEPT), default="missing")
    doc.spans[INCORRECT_SPANS] = [span for span, verdict in spans if span and verdict == REJECT]
    return doc
