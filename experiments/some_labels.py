"""What is learned from corpora of which each has only some of the labels. A corpus is cut into parts that have one
label each, or several corpora are put together, and pipelines are trained on them in these ways:

- apart: one pipeline for each part, and at prediction all of them in a row (bio_ner once for each);
- outside: on all parts together, where the mentions of labels that a part has not count as O;
- missing: the same, but each document says which labels it is annotated for;
- half: on the first part with all labels, as many sentences as one label had;
- full: on all parts with all labels.

    python experiments/some_labels.py training/some-labels corpus/bc5cdr:Chemical corpus/bc5cdr:Disease

The parts that name the same folder share its train split at random. The labels after the colon are those that a part is
annotated for. Training picks its checkpoint on every third sentence of the dev splits, and the scores are of the other
two thirds. What is in OUTPUT/results.jsonl is not run again.
"""

import random
from enum import Enum
from pathlib import Path
from typing import Dict, List, NamedTuple, Set

import spacy
import srsly
import typer
from spacy.cli.train import train
from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from wasabi import msg

from spacy_bio_ner.constraints import ANNOTATED_LABELS, USER_DATA
from spacy_bio_ner.corpora.docbin import read_docs

ROOT = Path(__file__).parent.parent


class Way(str, Enum):
    """How the parts are learned from."""

    apart = "apart"
    outside = "outside"
    missing = "missing"
    half = "half"
    full = "full"


class Part(NamedTuple):
    """Some sentences, and the labels that they are annotated for."""

    folder: Path
    labels: List[str]
    docs: List[Doc]


def read_parts(names: List[str], seed: int) -> List[Part]:
    """RETURNS (List[Part]): The parts, for each name a folder and labels."""
    named = [(Path(folder), labels.split(",")) for folder, labels in (name.rsplit(":", 1) for name in names)]
    vocab = spacy.blank("en").vocab
    parts = []
    for folder in dict.fromkeys(folder for folder, _ in named):
        docs = list(read_docs(folder / "train.spacy", vocab))
        random.Random(seed).shuffle(docs)
        shares = [labels for other, labels in named if other == folder]
        parts += [Part(folder, labels, docs[i :: len(shares)]) for i, labels in enumerate(shares)]
    return parts


def restricted(doc: Doc, labels: List[str], says_so: bool = False) -> Doc:
    """RETURNS (Doc): A copy with the entities of these labels alone. If says_so, the others are missing, and not O."""
    new = Doc(doc.vocab, words=[token.text for token in doc])  # nothing is known of its spaces: spaCy keeps its tokens
    new.ents = [Span(new, ent.start, ent.end, label=ent.label) for ent in doc.ents if ent.label_ in labels]
    if says_so:
        new.user_data[USER_DATA] = {ANNOTATED_LABELS: labels}
    return new


def train_pipeline(docs: List[Doc], dev: List[Doc], folder: Path, seed: int, steps: int) -> Language:
    """RETURNS (Language): A trained pipeline."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for split, of_split in (("train", docs), ("dev", dev)):
        paths[f"paths.{split}"] = str(folder / f"{split}.spacy")
        DocBin(docs=of_split, store_user_data=True).to_disk(paths[f"paths.{split}"])
    settings = {"system.seed": seed, "training.max_steps": steps, "training.batcher.min_words": 1000}
    train(ROOT / "configs" / "lstm.cfg", folder, overrides={**paths, **settings})
    return spacy.load(folder / "model-best")


def in_a_row(nlps: List[Language]) -> Language:
    """RETURNS (Language): A pipeline with the components of all. The entities of the first are given to the next."""
    nlp = nlps[0]
    for i, other in enumerate(nlps[1:], 2):
        nlp.add_pipe("bio_ner", name=f"bio_ner_{i}", source=other)
    return nlp


def score(nlp: Language, docs: List[Doc], labels: Set[str]) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): F of all labels that a dev split is annotated for, and of each."""
    predicted = nlp.pipe(restricted(doc, []) for doc in docs)
    examples = [Example(restricted(found, sorted(labels)), gold) for found, gold in zip(predicted, docs)]
    scores = Scorer.score_spans(examples, "ents")
    return {"F": scores["ents_f"], **{label: of_label["f"] for label, of_label in scores["ents_per_type"].items()}}


def main(
    output: Path = typer.Argument(..., help="Folder for pipelines and results"),
    part: List[str] = typer.Argument(..., help="Folders with train.spacy and dev.spacy, each with :LABEL,LABEL"),
    way: List[Way] = typer.Option(list(Way), help="How to learn from the parts"),
    seed: List[int] = typer.Option([0], help="Seeds, of the cut too"),
    steps: int = typer.Option(800, help="Steps of each training, of about 1,000 words"),
):
    """Train on parts, and print F on the dev splits."""
    results = output / "results.jsonl"
    done = list(srsly.read_jsonl(results)) if results.exists() else []
    vocab = spacy.blank("en").vocab
    for number in seed:
        parts = read_parts(part, number)
        folders = {
            folder: {label for other in parts if other.folder == folder for label in other.labels}
            for folder in dict.fromkeys(other.folder for other in parts)
        }
        all_labels = sorted(set().union(*folders.values()))
        devs = {folder: list(read_docs(folder / "dev.spacy", vocab)) for folder in folders}

        def train_on(name: str, docs: List[Doc], known: List[str]) -> Language:
            dev = [
                restricted(doc, [label for label in known if label in labels], says_so=True)
                for folder, labels in folders.items()
                for doc in devs[folder][::3]
            ]
            return train_pipeline(docs, dev, output / f"{name}-{number}", number, steps)

        for name in way:
            key = {"way": name.value, "parts": part, "seed": number, "steps": steps}
            if any(key.items() <= other.items() for other in done):
                continue
            if name == Way.apart:
                nlp = in_a_row(
                    [
                        train_on(f"apart-{i}", [restricted(doc, labels) for doc in docs], labels)
                        for i, (_, labels, docs) in enumerate(parts)
                    ]
                )
            else:
                seen = parts[:1] if name == Way.half else parts
                docs = [
                    restricted(
                        doc,
                        of_part.labels if name in (Way.outside, Way.missing) else all_labels,
                        says_so=name == Way.missing,
                    )
                    for of_part in seen
                    for doc in of_part.docs
                ]
                nlp = train_on(name.value, docs, all_labels)
            for folder, labels in folders.items():
                held_out = [restricted(doc, sorted(labels)) for i, doc in enumerate(devs[folder]) if i % 3]
                done.append({**key, "dev": str(folder), **score(nlp, held_out, labels)})
                srsly.write_jsonl(results, done[-1:], append=True, append_new_line=False)
    labels = sorted({name for row in done for name in row} - {"way", "parts", "seed", "steps", "dev", "F"})
    rows = [
        (
            row["way"],
            row["seed"],
            row["dev"],
            *(f"{100 * row[name]:.1f}" if name in row else "" for name in ["F", *labels]),
        )
        for row in done
    ]
    header = ("", "seed", "dev", "F", *labels)
    msg.table(rows, header=header, divider=True, aligns=("l", "r", "l", *"r" * (1 + len(labels))))


if __name__ == "__main__":
    typer.run(main)
