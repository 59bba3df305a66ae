"""Cross-validation: a pipeline for each part of train and dev, trained on the rest and scored on that part.

A dev split of 15 sentences tells neither how good a pipeline is nor how sure it may be; all sentences together, each
predicted by a pipeline that has not seen it, do so better.
"""

import random
from collections import defaultdict
from pathlib import Path
from typing import Dict, List

import spacy
import srsly
import typer
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab
from steps import overrides, run
from train import train
from wasabi import msg

from spacy_bio_ner.corpora.docbin import read_docs
from spacy_bio_ner.corpora.source_mentions import document_id
from spacy_bio_ner.evaluation.doc_results import DocResult, predict_corpus
from spacy_bio_ner.evaluation.scores import score


def split(docs: List[Doc], n_folds: int) -> List[List[Doc]]:
    """RETURNS (List[List[Doc]]): Parts of about one size. Docs of one document, or with one text, are in one part."""
    documents: Dict[object, List[Doc]] = defaultdict(list)
    for doc in docs:
        name = document_id(doc)
        documents[doc.text if name is None else name].append(doc)  # nor is a sentence in two parts
    if len(documents) < n_folds:
        msg.fail(f"--vars.folds {n_folds}: train and dev have only {len(documents)} different ones", exits=1)
    shuffled = list(documents.values())
    random.Random(0).shuffle(shuffled)
    return [[doc for document in shuffled[i::n_folds] for doc in document] for i in range(n_folds)]


def write(docs: List[Doc], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    DocBin(docs=docs, store_user_data=True).to_disk(path)


def score_parts(folder: Path, n_folds: int) -> Dict[str, object]:
    """RETURNS (Dict[str, object]): The scores of all parts together, as `bio-ner evaluate` gives them."""
    results: List[DocResult] = []
    for part in (folder / str(i) for i in range(n_folds)):
        nlp = spacy.load(part / "model-best")
        results += predict_corpus(nlp, list(read_docs(part / "held-out.spacy", nlp.vocab)))
    return {"folds": n_folds, **score(results)}


def main(
    config: Path = typer.Argument(..., help="Config"),
    corpus: Path = typer.Argument(..., help="Folder with train.spacy and dev.spacy"),
    training: Path = typer.Argument(..., help="Folder with model-calibrated, for the pipelines and their parts too"),
    folds: int = typer.Option(..., help="Number of parts, 3 or more; 0: no cross-validation"),
    metrics: Path = typer.Option(..., help="Beginning of the names of the files for the scores"),
    lang: str = typer.Option("en", help="Language of the pipeline"),
    encoder: str = typer.Option(..., help="Pretrained transformer, for the configs that have one"),
    gpu_id: int = typer.Option(-1, help="GPU ID or -1 for CPU"),
    settings: str = typer.Option("", "--set", help="Settings of the config to change"),
):
    """Train a pipeline for each part of a corpus, score it on that part, and calibrate model-calibrated on them all."""
    if folds == 0:
        msg.info("No cross-validation: --vars.folds is 0")
        return
    if folds < 3:  # one part is held out, one is dev, and something has to be left to learn from
        msg.fail(f"--vars.folds: found {folds}, expected 3 or more, or 0 for no cross-validation", exits=1)
    output = training / f"folds-{folds}"
    options = ["--nlp.lang", lang, "--paths.encoder", encoder, "--gpu-id", str(gpu_id), *overrides(settings)]
    vocab = Vocab()
    parts = split([doc for name in ("train", "dev") for doc in read_docs(corpus / f"{name}.spacy", vocab)], folds)
    for i, held_out in enumerate(parts):
        folder = output / str(i)
        dev = (i + 1) % folds
        write(held_out, folder / "held-out.spacy")
        write(parts[dev], folder / "dev.spacy")
        write([doc for j, part in enumerate(parts) if j not in (i, dev) for doc in part], folder / "train.spacy")
        msg.divider(f"Part {i + 1} of {folds}")
        train(config, folder / "train.spacy", folder / "dev.spacy", folder, options)
    found = score_parts(output, folds)
    srsly.write_json(f"{metrics}-folds.json", found)
    rows = [
        (name, f"{100 * found[key]:.2f}", "{:.2f}-{:.2f}".format(*(100 * end for end in found["interval"][key])))
        for name, key in (("P", "ents_p"), ("R", "ents_r"), ("F", "ents_f"))
    ]
    header = ("", f"{found['ents_support']} mentions", "95 % interval")
    msg.table(rows, title="Cross-validation", header=header, divider=True, aligns=tuple("lrr"))
    run(
        "spacy", "bio-ner", "calibrate", training / "model-calibrated", output,
        "--scores", f"{metrics}-calibration.json", "--diagram", f"{metrics}-calibration.png", "--gpu-id", gpu_id,
    )  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
