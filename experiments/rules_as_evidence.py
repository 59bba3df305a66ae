"""What is a dictionary worth: not used, its matches set as entities before the component runs, or given to it as a
feature (spacy_bio_ner.SpanFeatures.v1). The dictionary is made of the train split, or of another corpus: the names that
it has some times, with the label that they have most often.

    python experiments/rules_as_evidence.py corpus/medical training/evidence-medical

While training on a document, a name counts as often as it occurs in the others (leave one out), so that the dictionary
knows there as little as it will know of a new text. Scores are those of the dev split.
"""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Dict, Optional

import spacy
import srsly
import typer
from spacy.language import Language
from spacy.matcher import PhraseMatcher
from spacy.scorer import Scorer
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import filter_spans, load_config
from wasabi import msg

from spacy_bio_ner.corpora.docbin import read_docs
from spacy_bio_ner.distillation import blank_copy

ROOT = Path(__file__).parent.parent
KEY = "dictionary"


@Language.factory(KEY, default_config={"is_forced": False, "min_count": 3})
class Dictionary:
    """Matches the names of a corpus, and writes them to a span group or, if forced, to doc.ents."""

    def __init__(self, nlp: Language, name: str, corpus: str, is_forced: bool, min_count: int):
        self.is_forced, self.min_count = is_forced, min_count
        self.counts: Dict[str, Counter] = defaultdict(Counter)  # for each name how often it has which label
        self.own: Dict[str, Counter] = {}  # for each document how often it has which name
        self.matcher = PhraseMatcher(nlp.vocab)
        for doc in read_docs(Path(corpus), nlp.vocab):
            self.own.setdefault(doc.text, Counter()).update(ent.text for ent in doc.ents)
            for ent in doc.ents:
                self.counts[ent.text][ent.label_] += 1
                if self.counts[ent.text].total() == min_count:
                    self.matcher.add(ent.text, [ent.as_doc()])

    def __call__(self, doc: Doc) -> Doc:
        own = self.own.get(doc.text, Counter())
        spans = []
        for key, start, end in self.matcher(doc):
            name = doc.vocab.strings[key]
            if self.counts[name].total() - own[name] >= self.min_count:
                spans.append(Span(doc, start, end, label=self.counts[name].most_common(1)[0][0]))
        doc.spans[KEY] = filter_spans(spans)
        if self.is_forced:
            doc.set_ents(list(doc.spans[KEY]))
        return doc


def main(
    corpus: Path = typer.Argument(..., help="Folder with train.spacy and dev.spacy"),
    output: Path = typer.Argument(..., help="Folder for pipelines"),
    config: Path = typer.Option(ROOT / "configs" / "lstm.cfg", help="Config of the tagger"),
    dictionary: Optional[Path] = typer.Option(None, help="Another corpus (.spacy) to make the dictionary of"),
    min_count: int = typer.Option(3, help="How often a name has to stand there"),
    seed: int = typer.Option(0, help="Seed"),
    max_steps: int = typer.Option(0, help="Steps of training; 0 for as many as the config's patience allows"),
):
    """Train with and without a dictionary, and score on dev."""
    settings = {"corpus": str(dictionary or corpus / "train.spacy"), "min_count": min_count}
    labels = sorted(
        {ent.label_ for doc in read_docs(corpus / "train.spacy", spacy.blank("xx").vocab) for ent in doc.ents}
    )
    overrides = {
        "paths.train": str(corpus / "train.spacy"),
        "paths.dev": str(corpus / "dev.spacy"),
        "system.seed": seed,
        "training.max_steps": max_steps,
    }
    plain = load_config(config, overrides=overrides)
    train_pipeline(plain, output / "none")
    evidence = plain.copy()
    evidence["nlp"]["pipeline"] = [KEY, *plain["nlp"]["pipeline"]]
    evidence["components"][KEY] = {"factory": KEY, **settings}
    evidence["training"]["annotating_components"] = [KEY]
    tok2vec = evidence["components"]["bio_ner"]["model"]["tok2vec"]
    features: Dict[str, Any] = {"@architectures": "spacy_bio_ner.SpanFeatures.v1", "spans_key": KEY, "labels": labels}
    tok2vec["embed"] = {**features, "embed": tok2vec["embed"]}
    train_pipeline(evidence, output / "evidence")

    scores = {"no dictionary": score(spacy.load(output / "none" / "model-best"), corpus)}
    nlp = spacy.load(output / "none" / "model-best")
    nlp.add_pipe(KEY, first=True, config={**settings, "is_forced": True})
    scores["forced"] = score(nlp, corpus)
    nlp.remove_pipe("bio_ner")
    scores["the dictionary alone"] = score(nlp, corpus)
    nlp = spacy.load(output / "evidence" / "model-best")
    scores["evidence"] = score(nlp, corpus)
    nlp.get_pipe(KEY).counts.clear()
    scores["evidence, without matches"] = score(nlp, corpus)
    msg.table(
        [(name, *(f"{100 * s[key]:.1f}" for key in ("ents_f", "ents_p", "ents_r"))) for name, s in scores.items()],
        header=("", "F", "P", "R"),
        aligns=("l", "r", "r", "r"),
    )
    srsly.write_json(output / "scores.json", scores)


def train_pipeline(config: spacy.util.Config, output: Path) -> None:
    """Train a pipeline, as `spacy train` does, if it is not there yet."""
    if not (output / "model-best").is_dir():
        output.mkdir(parents=True, exist_ok=True)
        train(init_nlp(config), output)


def score(nlp: Language, corpus: Path) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): The scores of a pipeline on the dev split."""
    golds = read_docs(corpus / "dev.spacy", nlp.vocab)
    examples = [Example(blank_copy(gold, nlp.vocab), gold) for gold in golds]
    predicted = list(nlp.pipe(eg.predicted for eg in examples))
    return Scorer.score_spans([Example(doc, eg.reference) for doc, eg in zip(predicted, examples)], "ents")


if __name__ == "__main__":
    typer.run(main)
