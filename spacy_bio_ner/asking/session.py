"""A session of questions: which comes next, and what an answer changes."""

from collections import Counter
from dataclasses import dataclass, field
from heapq import heapify, heappop, heapreplace
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from spacy.language import Language
from tqdm import tqdm

from ..corpora.answers import ACCEPT, REJECT, Answer
from ..corpora.record import Mention, Record
from .journal import Journal
from .questions import Place, Question, Questions, doubt, find_questions, prepare

# So many characters of text are looked at, at a time: the questions worth asking are the most doubtful of these.
POOL = 1_000_000
# "Is that all?" is asked at most after every so many answers, where fewer further entities are expected, and of texts
# that are read at a glance.
ALL_EVERY, ALL_FURTHER, ALL_CHARACTERS = 2, 0.5, 500


@dataclass
class AskedText:
    """A text, and what was answered about it.

    text (str): The text.
    document (Optional[str]): Its id.
    verdicts (Dict[Tuple[int, int, str], str]): The answers about its spans.
    all_asked (bool): Whether it was asked if that is all.
    is_complete (bool): Whether the answer was yes, so that there is nothing left to ask.
    questions (Questions): What there is to ask, given the answers.
    """

    text: str
    document: Optional[str] = None
    verdicts: Dict[Place, str] = field(default_factory=dict)
    all_asked: bool = False
    is_complete: bool = False
    questions: Questions = Questions([], [], 0.0)

    def take(self, answer: Answer) -> None:
        """Take an answer into account."""
        if answer.is_binary:
            if answer.verdict == REJECT and len(answer.record.mentions) > 1:
                return  # one of them is wrong, but nobody knows which
            self.verdicts.update({(m.start, m.end, m.label): answer.verdict or "" for m in answer.record.mentions})
        else:
            self.all_asked = True
            self.is_complete = self.is_complete or answer.verdict in (ACCEPT, None)

    def accepted(self) -> List[Place]:
        """RETURNS (List[Tuple[int, int, str]]): The spans that were accepted, by their starts."""
        return sorted(place for place, verdict in self.verdicts.items() if verdict == ACCEPT)

    def all(self) -> List[Place]:
        """RETURNS (List[Tuple[int, int, str]]): The spans that were accepted, and those that the pipeline is sure
        of."""
        return sorted({*self.accepted(), *self.questions.sure})


class Asking(NamedTuple):
    """What is asked.

    text (AskedText): The text.
    question (Optional[Question]): The question about a span; None asks whether what was accepted, and what the
        pipeline is sure of, is all.
    """

    text: AskedText
    question: Optional[Question]

    @property
    def probability(self) -> Optional[float]:
        """RETURNS (Optional[float]): How probable the span is that is asked about."""
        return None if self.question is None else self.question.probability

    @property
    def known(self) -> List[Place]:
        """RETURNS (List[Tuple[int, int, str]]): The spans that are shown as known: what was accepted and, where it is
        asked if that is all, what the pipeline is sure of too."""
        return self.text.all() if self.question is None else self.text.accepted()

    def answer(self, verdict: Optional[str]) -> Answer:
        """RETURNS (Answer): The answer to it, or without a verdict the question as a task."""
        places = self.text.all() if self.question is None else [self.question.place]
        record = Record(text=self.text.text, document=self.text.document, mentions=[Mention(*p) for p in places])
        return Answer(record, verdict, is_binary=self.question is not None)


class Session:
    """Questions about texts, one after another.

    n_texts (int): How many texts have been looked at.
    """

    def __init__(self, nlp: Language, texts: Iterable[Tuple[str, Optional[str]]], journal: Journal) -> None:
        """nlp (Language): The pipeline that has the questions.
        texts (Iterable[Tuple[str, Optional[str]]]): The texts, and their ids.
        journal (Journal): The answers given before, which takes the new ones.
        RAISES (InputError): If the pipeline has no bio_ner.
        """
        prepare(nlp)
        self.n_texts = 0
        self._nlp = nlp
        self._unread = iter(texts)
        self._journal = journal
        self._texts: Dict[str, AskedText] = {}  # those with answers, and those that were looked at
        self._open: Dict[str, AskedText] = {}  # those that were looked at and have questions
        self._words_asked: Counter = Counter()
        self._since_all = 0
        self._next: Optional[Asking] = None
        for answer in journal.answers:
            self._count(answer, 1)
            self._text_of(answer).take(answer)

    @property
    def n_answers(self) -> int:
        """RETURNS (int): How many answers there are, those of earlier sessions too."""
        return len(self._journal.answers)

    def next(self) -> Optional[Asking]:
        """RETURNS (Optional[Asking]): What is asked next. None if there is nothing left to ask."""
        while self._next is None and (self._open or self._look_at_more()):
            if self._open:
                text = min(self._open.values(), key=self._rank)
                self._next = Asking(text, self._best(text))
        return self._next

    def answer(self, verdict: str) -> None:
        """Answer what was asked last.

        verdict (str): accept, reject or ignore.
        RAISES (OSError): If the answer could not be written.
        """
        asking = self._next
        assert asking is not None
        answer = asking.answer(verdict)
        self._journal.add(answer, asking.probability)
        self._count(answer, 1)
        self._next = None
        text = asking.text
        text.take(answer)
        self._look_at([text])
        if self._is_time_for_all(text):
            self._next = Asking(text, None)

    def undo(self) -> bool:
        """Take the last answer back, of this session or of one before, and ask the same again, unless the pipeline is
        sure of it by now.

        RETURNS (bool): Whether there was one. A text that somebody marked in full, and was not asked about, is none.
        """
        if not self._journal.answers or self._journal.answers[-1].verdict is None:
            return False
        answer = self._journal.take_back()
        self._count(answer, -1)
        text = self._text_of(answer)
        text.verdicts, text.all_asked, text.is_complete = {}, False, False
        for other in self._journal.answers:
            if other.record.content() == text.text:
                text.take(other)
        self._look_at([text])
        self._next = None if answer.is_binary else Asking(text, None)
        asked = {(m.start, m.end, m.label) for m in answer.record.mentions}
        for question in text.questions.open if answer.is_binary else ():
            if question.place in asked:
                self._next = Asking(text, question)
        return True

    def questions(self) -> Iterator[Asking]:
        """YIELDS (Asking): The best question about each text, over all texts, in the order in which they are best
        asked. Nothing is answered."""
        while self._look_at_more():
            pass
        ranked = [(self._rank(text), i, text) for i, text in enumerate(self._open.values())]
        heapify(ranked)
        while ranked:
            _, i, text = ranked[0]
            rank = self._rank(text)
            if rank > ranked[0][0]:  # its words were asked about since it was ranked
                heapreplace(ranked, (rank, i, text))
                continue
            heappop(ranked)
            question = self._best(text)
            self._words_asked[_words(text.text, question.place)] += 1
            yield Asking(text, question)

    def _best(self, text: AskedText) -> Question:
        return min(text.questions.open, key=lambda question: self._rank_question(text, question))

    def _rank(self, text: AskedText) -> Tuple[float, ...]:
        """RETURNS (Tuple[float, ...]): The text whose rank is lowest is asked about next."""
        return (len(text.verdicts), *self._rank_question(text, self._best(text)))

    def _rank_question(self, text: AskedText, question: Question) -> Tuple[float, ...]:
        return self._words_asked[_words(text.text, question.place)], doubt(question)

    def _is_time_for_all(self, text: AskedText) -> bool:
        return (
            self._since_all >= ALL_EVERY
            and not text.all_asked
            and text.questions.further < ALL_FURTHER
            and len(text.text) <= ALL_CHARACTERS
        )

    def _look_at_more(self) -> bool:
        """RETURNS (bool): Whether there were more texts to look at."""
        found: List[AskedText] = []
        n_characters = 0
        for content, document in self._unread:
            text = self._texts.setdefault(content, AskedText(content, document))
            self.n_texts += 1
            if not text.is_complete:
                found.append(text)
                n_characters += len(content)
            if n_characters >= POOL:
                break
        self._look_at(found, "Looking for questions")
        return bool(found)

    def _look_at(self, texts: List[AskedText], description: Optional[str] = None) -> None:
        """Find what there is to ask about texts, given the answers."""
        docs = ((self._nlp.make_doc(text.text), text.verdicts) for text in texts)
        found = find_questions(self._nlp, docs)
        if description is not None:
            found = tqdm(found, desc=description, total=len(texts), unit=" texts", leave=False, disable=None)
        for text, questions in zip(texts, found):
            text.questions = questions
            if questions.open and not text.is_complete:
                self._open[text.text] = text
            else:
                self._open.pop(text.text, None)

    def _text_of(self, answer: Answer) -> AskedText:
        content = answer.record.content()
        return self._texts.setdefault(content, AskedText(content, answer.record.document))

    def _count(self, answer: Answer, n: int) -> None:
        if answer.is_binary:
            self._since_all += n
            for m in answer.record.mentions:
                self._words_asked[_words(answer.record.content(), (m.start, m.end, m.label))] += n
        elif n > 0:
            self._since_all = 0


def _words(text: str, place: Place) -> Tuple[str, str]:
    start, end, label = place
    return text[start:end].casefold(), label
