"""A corpus reader that mixes two corpora in a stated proportion, such as gold annotation and what a teacher says."""

import random
from typing import Callable, Iterable, Iterator, List, Set, TypeVar

from spacy.language import Language
from spacy.training import Example
from spacy.util import registry

from ..constraints import have_same_tokens
from ..distillation import blank_copy, has_posterior

Reader = Callable[[Language], Iterable[Example]]
Item = TypeVar("Item")
# So many examples of the second corpus are held to draw the next one from: it is not all in memory to be shuffled.
BUFFER = 2000


@registry.readers("spacy_bio_ner.MixedCorpus.v1")
def create_mixed_corpus(first: Reader, second: Reader, share: float) -> "MixedCorpus":
    """Create a reader that mixes two corpora. Set training.max_epochs = -1 for it, which has spaCy read it as a stream.

    first (Callable[[Language], Iterable[Example]]): The reader of the first corpus, which is held in memory.
    second (Callable[[Language], Iterable[Example]]): The reader of the second one, which is streamed.
    share (float): The share of words that come from the second, from 0 to less than 1.
    RETURNS (Callable[[Language], Iterator[Example]]): The reader.
    RAISES (ValueError): If the share is another.
    """
    return MixedCorpus(first, second, share)


class MixedCorpus:
    """A reader whose epoch is one pass over the first corpus in random order. In between come examples of the second
    one, from where the epoch before has left it. When it ends it begins again.

    An epoch begins with an example of each label, since spaCy looks only at the first 100 of a stream to find those.
    """

    def __init__(self, first: Reader, second: Reader, share: float) -> None:
        """first (Callable[[Language], Iterable[Example]]): The reader of the first corpus.
        second (Callable[[Language], Iterable[Example]]): The reader of the second one.
        share (float): The share of words that come from the second, from 0 to less than 1.
        """
        if not 0 <= share < 1:
            raise ValueError(f"The share of the second corpus of MixedCorpus is {share}: expected 0 to less than 1.")
        self.first = first
        self.second = second
        self.share = share
        self._stream: Iterator[Example] = iter(())

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """Read an epoch.

        nlp (Language): The pipeline, whose vocabulary the examples use.
        YIELDS (Example): The examples.
        """
        examples: List[Example] = list(self.first(nlp))
        random.shuffle(examples)
        examples = _labels_first(examples)
        n_first = n_second = 0
        for example in examples:
            yield example
            n_first += len(example.predicted)
            while n_second < self.share / (1 - self.share) * n_first:
                other = self._next(nlp)
                n_second += len(other.predicted)
                yield other

    def _next(self, nlp: Language) -> Example:
        for _ in range(2):
            for example in self._stream:
                if len(example.predicted):
                    return _with_tokens_of_teacher(example, nlp)
            self._stream = _shuffled(self.second(nlp))
        raise ValueError("The second corpus of MixedCorpus has no text: check its path.")


def _labels_first(examples: List[Example]) -> List[Example]:
    """RETURNS (List[Example]): The examples, those first that have a label which none before them has."""
    known: Set[str] = set()
    first: List[Example] = []
    rest: List[Example] = []
    for example in examples:
        labels = {ent.label_ for ent in example.reference.ents}
        (rest if labels <= known else first).append(example)
        known |= labels
    return first + rest


def _with_tokens_of_teacher(example: Example, nlp: Language) -> Example:
    """RETURNS (Example): The example, whose predicted Doc has the tokens that a teacher's posterior is of."""
    doc = example.reference
    if not has_posterior(doc) or have_same_tokens(example.predicted, doc):
        return example
    return Example(blank_copy(doc, nlp.vocab), doc)


def _shuffled(items: Iterable[Item]) -> Iterator[Item]:
    """YIELDS (Item): The items, each drawn at random from the next ones."""
    buffer: List[Item] = []
    for item in items:
        if len(buffer) < BUFFER:
            buffer.append(item)
            continue
        place = random.randrange(BUFFER)
        buffer[place], drawn = item, buffer[place]
        yield drawn
    random.shuffle(buffer)
    yield from buffer
