"""Where a pretrained encoder comes from and under which licence, kept beside it and in every pipeline made from it."""

from importlib.metadata import version
from pathlib import Path
from typing import Callable

import srsly
from spacy.language import Language
from spacy.util import get_minor_version_range, registry

# Written beside an encoder by scripts/get_encoder.py: its name, url, revision and license.
SOURCE_FILE = "source.json"


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
