"""Speed of a transformer pipeline beside other ways to run the same encoder, side by side in one process, and what
bfloat16 changes. Uses the cores that it may use: for one, `taskset -c 0 python experiments/...`.
"""

import os
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import numpy
import spacy
import srsly
import torch
import transformers
import typer
from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example
from wasabi import msg

from spacy_bio_ner.corpora.docbin import read_docs

PRECISION = "components.bio_ner.model.tok2vec.mixed_precision"
HF_BATCH_SIZES = (1, 8, 16, 32, 64)
# The defaults of `spacy init config --gpu`, and the fastest of those tried for sentences on a CPU.
STOCK = {"batch_size": 128, "max_batch_items": 4096}
STOCK_TUNED = {"batch_size": 1000, "max_batch_items": 1000}


def make_stock(encoder: Path, labels: List[str], max_batch_items: int) -> Language:
    """RETURNS (Language): spacy-transformers' component and spaCy's ner, its head with random weights."""
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy-transformers.TransformerModel.v3", "name": str(encoder)}
    nlp.add_pipe("transformer", config={"model": model, "max_batch_items": max_batch_items})
    listener = {
        "@architectures": "spacy-transformers.TransformerListener.v1",
        "grad_factor": 1.0,
        "pooling": {"@layers": "reduce_mean.v1"},
    }
    architecture = {"@architectures": "spacy.TransitionBasedParser.v2", "hidden_width": 64, "maxout_pieces": 2}
    settings = {"state_type": "ner", "extra_state_tokens": False, "use_upper": False, "tok2vec": listener}
    ner = nlp.add_pipe("ner", config={"model": {**architecture, **settings}})
    for label in labels:
        ner.add_label(label)
    nlp.initialize()
    return nlp


def best_seconds(systems: Dict[str, Callable[[], object]], repeats: int) -> Dict[str, Tuple[float, float]]:
    """RETURNS (Dict[str, Tuple[float, float]]): The least seconds that each system took, by the clock and of processor
    time, all of them run in turn, several times. Processor time is the one to compare on a busy machine."""
    seconds = {name: (float("inf"), float("inf")) for name in systems}
    for _ in range(repeats):
        for name, run in systems.items():
            wall, processor = time.perf_counter(), time.process_time()
            run()
            took = time.perf_counter() - wall, time.process_time() - processor
            seconds[name] = min(seconds[name][0], took[0]), min(seconds[name][1], took[1])
    return seconds


def entities_of(docs: List[Doc]) -> Dict[Tuple[int, int, int, str], float]:
    """RETURNS (Dict[Tuple[int, int, int, str], float]): The entities of all docs and their confidences."""
    entities = ((i, ent) for i, doc in enumerate(docs) for ent in doc.ents)
    return {(i, ent.start_char, ent.end_char, ent.label_): ent._.confidence for i, ent in entities}


def f1(golds: List[Doc], nlp: Language) -> Tuple[List[Doc], float]:
    """RETURNS (Tuple[List[Doc], float]): The docs predicted on the gold tokens, and their entity F1 in percent."""
    docs = list(nlp.pipe(Doc(nlp.vocab, words=[token.text for token in gold]) for gold in golds))
    examples = [Example(doc, gold) for doc, gold in zip(docs, golds)]
    return docs, 100 * Scorer.score_spans(examples, "ents", allow_overlap=False)["ents_f"]


def main(
    model: Path = typer.Argument(..., help="Trained pipeline with spacy_bio_ner.TransformerEncoder.v1"),
    corpus: Path = typer.Argument(..., help="A .spacy file with entities, for what bfloat16 changes"),
    limit: int = typer.Option(800, help="Docs for the speeds; what bfloat16 changes is counted on the whole corpus"),
    repeats: int = typer.Option(3, help="How many times each system runs; the best time counts"),
    faithful: bool = typer.Option(True, help="Compare the entities and confidences of bfloat16 and float32"),
    output: Path = typer.Option(None, help="JSON file for the figures"),
):
    """Measure words per second of tuned and untuned competitors and of ours, on the same texts and weights."""
    n_cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(n_cores)
    exact = spacy.load(model, config={PRECISION: False})
    mixed = spacy.load(model, config={PRECISION: True})
    golds = list(read_docs(corpus, exact.vocab))
    texts = [gold.text for gold in islice(golds, limit)]
    n_words = sum(len(gold) for gold in islice(golds, limit))
    shim = exact.get_pipe("bio_ner").model.get_ref("tok2vec").shims[0]
    labels = list(exact.get_pipe("bio_ner").labels)
    with tempfile.TemporaryDirectory() as folder:
        shim._model.save_pretrained(folder)
        shim._hfmodel.tokenizer.save_pretrained(folder)
        stock = make_stock(folder, labels, STOCK["max_batch_items"])
        tuned = make_stock(folder, labels, STOCK_TUNED["max_batch_items"])
        head = transformers.AutoModelForTokenClassification.from_pretrained(folder, num_labels=2 * len(labels) + 1)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        hf = transformers.pipeline("token-classification", head, tokenizer=tokenizer, aggregation_strategy="simple")

    def run_hf(batch_size: int) -> Callable[[], object]:
        return lambda: list(hf(texts, batch_size=batch_size))

    def run_spacy(nlp: Language, **kwargs: int) -> Callable[[], object]:
        # Docs are dropped at once, as in a stream.
        return lambda: sum(1 for _ in nlp.pipe(texts, **kwargs))

    best_size = min((best_seconds({"": run_hf(n)}, 1)[""][1], n) for n in HF_BATCH_SIZES)[1]
    seconds = best_seconds(
        {
            "spacy-transformers and ner": run_spacy(stock, batch_size=STOCK["batch_size"]),
            "the same, tuned": run_spacy(tuned, batch_size=STOCK_TUNED["batch_size"]),
            f"Hugging Face's pipeline, batches of {best_size}": run_hf(best_size),
            "bio_ner, float32": run_spacy(exact),
            "bio_ner, bfloat16": run_spacy(mixed),
        },
        repeats,
    )
    speeds = {name: [round(n_words / value) for value in values] for name, values in seconds.items()}
    header = (f"{n_cores} core(s), {len(texts)} docs", "words/s", "words per second of processor time")
    msg.table([(name, *values) for name, values in speeds.items()], header=header, divider=True, aligns=("l", "r", "r"))
    report = {"cores": n_cores, "words": n_words, "words_per_second": speeds}
    if faithful:
        (exact_docs, exact_f1), (mixed_docs, mixed_f1) = f1(golds, exact), f1(golds, mixed)
        one, other = entities_of(exact_docs), entities_of(mixed_docs)
        common = one.keys() & other.keys()
        report["bfloat16"] = {
            "entities": len(one),
            "identical": len(common) / max(len(one.keys() | other.keys()), 1),
            "confidence_difference_p99": float(numpy.quantile([abs(one[key] - other[key]) for key in common], 0.99)),
            "f1_float32": exact_f1,
            "f1_bfloat16": mixed_f1,
        }
        msg.table([(name, f"{value:.4f}") for name, value in report["bfloat16"].items()])
    if output:
        srsly.write_json(output, report)


if __name__ == "__main__":
    typer.run(main)
