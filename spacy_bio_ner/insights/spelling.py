"""One form for the spellings of an entity: "5-HT" and "5 HT", "Seizures" and "seizure"."""

import re
import unicodedata
from typing import Dict, Iterable, Set

# An ending of a plural and that of its singular
PLURALS = (("ies", "y"), ("ses", "sis"), ("s", ""))
_NO_WORD = re.compile(r"[\W_]+")


def normalize(text: str) -> str:
    """Take letter case, punctuation, white space and compatibility variants out of a text.

    text (str): The text.
    RETURNS (str): Its words in lower case, with a space between. A text without words stays.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _NO_WORD.sub(" ", folded).strip() or folded


def normal_forms(texts: Iterable[str]) -> Dict[str, str]:
    """Find the form of each of some texts. A plural takes the form of its singular if that is one of the texts too,
    so that no word is cut that only looks like a plural.

    texts (Iterable[str]): The texts.
    RETURNS (Dict[str, str]): The form of each.
    """
    forms = {text: normalize(text) for text in texts}
    known = set(forms.values())
    return {text: _singular(form, known) for text, form in forms.items()}


def _singular(form: str, known: Set[str]) -> str:
    for plural, singular in PLURALS:
        if form.endswith(plural) and not form.endswith("ss"):
            candidate = form.removesuffix(plural) + singular
            if candidate in known:
                return candidate
    return form
