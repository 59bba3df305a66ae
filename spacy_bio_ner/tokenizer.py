"""One fixed way to tokenize, for corpora that split more punctuation than spaCy does."""

import re
import sys
import unicodedata
from functools import lru_cache
from itertools import groupby
from typing import Callable

from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.util import registry


@registry.callbacks("spacy_bio_ner.split_punctuation.v1")
def create_split_punctuation() -> Callable[[Language], None]:
    """Create a callback for [initialize.before_init] that makes every punctuation mark and symbol a token
    of its own, as BIO corpora of scientific text commonly do. The tokenizer keeps the rule when saved.

    RETURNS (Callable[[Language], None]): The callback.
    """
    return split_punctuation


def split_punctuation(nlp: Language) -> None:
    """Make the tokenizer split every character of Unicode's categories P (punctuation) and S (symbols),
    without exceptions: a word is what stands between those and white space.

    nlp (Language): The pipeline whose tokenizer to change.
    RAISES (ValueError): If its tokenizer is not spaCy's rule-based one.
    """
    tokenizer = nlp.tokenizer
    if not isinstance(tokenizer, Tokenizer):
        raise ValueError(
            "spacy_bio_ner.split_punctuation.v1 changes the rules of spacy.Tokenizer.v1, but the pipeline's tokenizer "
            f"is {type(tokenizer).__name__}: take the callback out of [initialize.before_init]."
        )
    mark = f"[{_character_ranges('PS')}]"
    tokenizer.rules = {}
    tokenizer.token_match = None
    tokenizer.url_match = None
    tokenizer.prefix_search = re.compile(f"^{mark}").search
    tokenizer.suffix_search = re.compile(f"{mark}$").search
    tokenizer.infix_finditer = re.compile(mark).finditer


@lru_cache(maxsize=None)
def _character_ranges(categories: str) -> str:
    """RETURNS (str): All characters of some of Unicode's general categories, as the inside of a regex class."""
    codes = (code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] in categories)
    ranges = []
    # In a run of consecutive codes, a code and its position differ by a constant.
    for _, run in groupby(enumerate(codes), key=lambda pair: pair[1] - pair[0]):
        run = [code for _, code in run]
        ranges.append(f"\\U{run[0]:08x}-\\U{run[-1]:08x}")
    return "".join(ranges)
