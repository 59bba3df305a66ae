"""Callbacks that configs name: how a pipeline tokenizes, and where its pretrained encoder comes from."""

import re
import sys
import unicodedata
from functools import lru_cache
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Callable

import srsly
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.util import get_minor_version_range, registry

# Written beside an encoder by scripts/get_encoder.py: its name, url, revision and license.
SOURCE_FILE = "source.json"


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


@registry.callbacks("spacy_bio_ner.describe_encoder.v1")
def create_describe_encoder(encoder: str) -> Callable[[Language], None]:
    """Create a callback for [initialize.after_init] that enters the encoder in the pipeline's meta: under "sources",
    where spaCy's packages tell what they are made of, with the file source.json of its folder if it has one; and
    under "requirements" what it takes to run it.

    encoder (str): The encoder, a folder or a name on the hub.
    RETURNS (Callable[[Language], None]): The callback.
    """

    def describe_encoder(nlp: Language) -> None:
        path = Path(encoder) / SOURCE_FILE
        source = srsly.read_json(path) if path.is_file() else {"name": encoder, "license": "unknown"}
        nlp.meta["sources"] = [*(nlp.meta.get("sources") or []), source]
        requirement = f"spacy-bio-ner[transformers]{get_minor_version_range(version('spacy-bio-ner'))}"
        nlp.meta["requirements"] = [*nlp.meta.get("requirements", []), requirement]

    return describe_encoder
