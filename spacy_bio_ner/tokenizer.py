"""How a pipeline tokenizes: as its language does, with every punctuation mark a token of its own."""

import re
import sys
import unicodedata
from functools import lru_cache
from itertools import groupby
from typing import Callable

from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc
from spacy.util import registry


@registry.tokenizers("spacy_bio_ner.Tokenizer.v1")
def create_tokenizer() -> Callable[[Language], Callable[[str], Doc]]:
    """Create what makes a pipeline's tokenizer, for [nlp.tokenizer]. One config then does for all languages.

    RETURNS (Callable[[Language], Callable[[str], Doc]]): Takes the pipeline and returns its tokenizer.
    """
    return tokenizer_of_language


def tokenizer_of_language(nlp: Language) -> Callable[[str], Doc]:
    """Make the tokenizer that spaCy has for a pipeline's language: by rules, which split punctuation as BIO corpora do,
    or for Chinese by characters. Languages with a tokenizer from another package (Japanese, Korean, Thai,
    Vietnamese) need that package.

    nlp (Language): The pipeline.
    RETURNS (Callable[[str], Doc]): The tokenizer.
    RAISES (ImportError): If the language's tokenizer needs a package that is not installed.
    """
    settings = {"tokenizer": nlp.default_config["nlp"]["tokenizer"]}
    tokenizer = registry.resolve(settings)["tokenizer"](nlp)
    if isinstance(tokenizer, Tokenizer):
        set_punctuation_rules(tokenizer)
    return tokenizer


def set_punctuation_rules(tokenizer: Tokenizer) -> None:
    """Make a tokenizer split every character of Unicode's categories P (punctuation) and S (symbols), without
    exceptions: a word is what stands between those and white space. It keeps the rule when saved.

    tokenizer (Tokenizer): The tokenizer to change.
    """
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
    for _, pairs in groupby(enumerate(codes), key=lambda pair: pair[1] - pair[0]):
        run = [code for _, code in pairs]
        ranges.append(f"\\U{run[0]:08x}-\\U{run[-1]:08x}")
    return "".join(ranges)
