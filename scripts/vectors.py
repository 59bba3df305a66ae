"""Train floret vectors on texts without annotation: words that they do not have get a vector by their parts."""

import shlex
import tempfile
from pathlib import Path

import spacy
import typer
from steps import run
from tqdm import tqdm
from wasabi import msg

# Of the table, which has 20 MB with these, and of the parts of words that it has vectors for
DIM, ROWS, MIN_PART, MAX_PART = 100, 50_000, 3, 6


def main(
    texts: str = typer.Argument(..., help="Files or folders of texts, separated by blanks"),
    output: Path = typer.Argument(..., help="Folder for the vectors"),
    lang: str = typer.Option("en", help="Language of the texts"),
    epochs: int = typer.Option(5, help="How often the texts are read"),
):
    """Train floret vectors on texts, split into tokens as the project's configs do."""
    try:
        import floret

        from spacy_bio_ner.annotate.inputs.discovery import find_sources, read_items
        from spacy_bio_ner.annotate.inputs.item import Fields, Text
        from spacy_bio_ner.annotate.inputs.streams import Progress
        from spacy_bio_ner.util import InputError
    except ImportError as err:
        msg.fail(f"{err.name} is not installed: pip install -c constraints.txt -e '.[scale,vectors]'", exits=1)
    nlp = spacy.blank(lang, config={"nlp": {"tokenizer": {"@tokenizers": "spacy_bio_ner.Tokenizer.v1"}}})
    try:
        sources, _ = find_sources(map(Path, shlex.split(texts)))
    except InputError as err:
        msg.fail(f"--vars.texts: {err}", exits=1)
    with tempfile.TemporaryDirectory() as folder:
        tokens = Path(folder) / "tokens.txt"
        with tokens.open("w", encoding="utf8") as file:
            for item in tqdm(read_items(sources, Fields(), Progress()), desc="Reading", unit=" texts", disable=None):
                if isinstance(item, Text):
                    words = (token.text for token in nlp.make_doc(item.text[: nlp.max_length]) if not token.is_space)
                    file.write(" ".join(words) + "\n")
        model = floret.train_unsupervised(
            str(tokens), model="cbow", mode="floret", hashCount=2, bucket=ROWS, dim=DIM, minn=MIN_PART, maxn=MAX_PART,
            minCount=5, epoch=epochs, thread=1,
        )  # fmt: skip
        table = Path(folder) / "vectors.floret"
        model.save_floret_vectors(str(table))
        run("spacy", "init", "vectors", lang, table, output, "--mode", "floret")


if __name__ == "__main__":
    typer.run(main)
