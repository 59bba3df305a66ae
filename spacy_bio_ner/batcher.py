"""Batches whose size follows the corpus, so that one config trains on forty sentences and on a million."""

from itertools import chain
from typing import Callable, Iterable, Iterator, List

from spacy.training import Example
from spacy.training.batchers import minibatch_by_padded_size, minibatch_by_words
from spacy.util import registry

# The share by which a batch may be larger than it should be, as in spacy.batch_by_words.v1.
TOLERANCE = 0.2


@registry.batchers("spacy_bio_ner.batch_by_corpus.v1")
def create_batch_by_corpus(
    n_batches: int, min_words: int, max_words: int, padded: bool = False
) -> Callable[[Iterable[Example]], Iterator[List[Example]]]:
    """Create a batcher that parts a corpus into a number of batches, as far as their size allows. Of a corpus that is
    streamed it holds only as much as makes that many batches of the greatest size.

    n_batches (int): The number of batches.
    min_words (int): The least number of words in a batch.
    max_words (int): The greatest number of words in a batch. A longer Doc is a batch by itself.
    padded (bool): Whether Docs of about one length come together, and the words of a batch are counted as if all its
        Docs were as long as the longest: for models that compute on padding, such as transformers.
    RETURNS (Callable[[Iterable[Example]], Iterator[List[Example]]]): The batcher.
    """

    def batch_by_corpus(examples: Iterable[Example]) -> Iterator[List[Example]]:
        examples = iter(examples)
        seen: List[Example] = []
        n_words = 0
        for example in examples:
            seen.append(example)
            n_words += len(example)
            if n_words >= n_batches * max_words:  # whatever else comes, the size is the greatest
                break
        size = min(max(n_words // n_batches, min_words), max_words)
        corpus = chain(_emptied(seen), examples)
        if padded:
            yield from minibatch_by_padded_size(corpus, size=size)
        else:
            yield from minibatch_by_words(corpus, size=size, tolerance=TOLERANCE)

    return batch_by_corpus


def _emptied(examples: List[Example]) -> Iterator[Example]:
    """YIELDS (Example): The examples of a list, which does not keep what was taken."""
    examples.reverse()
    while examples:
        yield examples.pop()
