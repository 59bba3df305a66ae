"""`bio-ner report`: a page that tells a person what a pipeline gets wrong, and whether to trust it."""

from pathlib import Path
from typing import List, Optional, Tuple

from spacy.cli._util import Arg, Opt
from spacy.language import Language
from wasabi import msg

from ..corpora.docbin import read_docs
from ..evaluation.doc_results import DocResult, predict_corpus
from ..evaluation.figures import require_matplotlib
from ..evaluation.scores import check_gold, score, seen_in
from ..report.card import corpus_card, model_card, read_ledger, train_size
from ..report.page import Subject, render
from ..util import InputError
from ._app import TRAIN_OPTION, atomic_write, bio_ner_cli, clear_errors, find_train, load_pipeline

PAGE = "index.html"


@bio_ner_cli.command("report")
def report_cli(
    # fmt: off
    model: str = Arg(..., help="Pipeline: the name of an installed one, or a path"),
    corpus: Path = Arg(..., help=".spacy file, or folder of shards, written by 'bio-ner convert'"),
    output: Path = Opt(..., "--output", "-o", help=f"Folder to write {PAGE} to", file_okay=False),
    train: Optional[Path] = TRAIN_OPTION,
    compare: Optional[str] = Opt(None, "--compare", "-c", help="Another pipeline, to compare with on the same corpus"),
    curve: List[str] = Opt(
        [],
        "--curve",
        help="MODEL or MODEL=DOCS: a pipeline for a learning curve, beside the one reported, and the number of Docs it "
        "was trained on, by default those of the corpus that its config names. Can be given several times",
    ),
    batch_size: Optional[int] = Opt(None, "--batch-size", "-b", min=1, help="Number of Docs to predict at a time"),
    gpu_id: int = Opt(-1, "--gpu-id", "-g", help="GPU ID or -1 for CPU"),
    # fmt: on
):
    """
    Report what a pipeline gets right and wrong, as an HTML page.

    One HTML file without scripts, which needs no network and prints well:
    scores by type, what kinds of mistakes there are, which labels are confused,
    how far the probabilities can be trusted, the most confident mistakes in
    context, what became of the corpus's mentions, where the model comes from.
    """
    with clear_errors("Nothing was written"):
        require_matplotlib()
        train = find_train(corpus, train)
        models = [_read_point(value) for value in curve]
        nlp = load_pipeline(model, gpu_id)
        results = _results(nlp, corpus, batch_size)
        scores = score(results, seen_in(read_docs(train, nlp.vocab)) if train else None)
        points = []
        if models and model not in dict(models):
            models.insert(0, (model, None))
        for path, size in models:
            other = nlp if path == model else load_pipeline(path, gpu_id)
            size = size or train_size(other)
            if size is None:
                raise InputError(
                    f"{path}: cannot tell how many Docs it was trained on, since they are not where its config says: "
                    f"give --curve {path}=DOCS"
                )
            of_other = scores if other is nlp else score(_results(other, corpus, batch_size))
            low, high = of_other["interval"]["ents_f"]
            points.append((size, of_other["ents_f"], (low, high)))
        page = render(
            Subject(
                results=results,
                scores=scores,
                card=model_card(nlp, model),
                config=nlp.config.to_str(),
                corpus=corpus_card(corpus, [result.gold for result in results]),
                ledger=read_ledger(corpus),
                train=str(train) if train else None,
                other=compare,
                other_results=_results(load_pipeline(compare, gpu_id), corpus, batch_size) if compare else (),
                curve=points,
            )
        )
        with atomic_write(output / PAGE) as beside:
            beside.write_text(page, encoding="utf8")
        msg.good(f"Wrote the report to {output / PAGE}")


def _results(nlp: Language, corpus: Path, batch_size: Optional[int]) -> List[DocResult]:
    """Each pipeline reads the corpus with its own vocabulary."""
    golds = list(read_docs(corpus, nlp.vocab))
    check_gold(golds)
    return predict_corpus(nlp, golds, batch_size)


def _read_point(value: str) -> Tuple[str, Optional[int]]:
    model, equals, size = value.rpartition("=")
    if not equals:
        return value, None
    if not model or not size.isdecimal() or not int(size):
        raise InputError(f"--curve: found {value!r}, expected MODEL or MODEL=DOCS, such as training/half=250")
    return model, int(size)
