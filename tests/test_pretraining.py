"""spaCy's own pretraining of the layers below the tagger, and training that starts from it."""

import srsly
from spacy.cli.init_config import fill_config
from spacy.cli.pretrain import pretrain
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.util import load_config

from .conftest import ROOT, TEXTS, gold_docs

SMALL = {
    "embed.width": 16, "embed.rows": 50, "embed.table_width": 8, "encode.width": 16, "encode.depth": 1,
}  # fmt: skip


def test_layers_are_pretrained_and_training_starts_from_them(nlp, tmp_path):
    srsly.write_jsonl(tmp_path / "raw.jsonl", [{"text": text} for text, _ in TEXTS])
    DocBin(docs=gold_docs(nlp)).to_disk(tmp_path / "train.spacy")
    fill_config(tmp_path / "config.cfg", ROOT / "configs" / "lstm.cfg", pretraining=True, silent=True)
    overrides = {
        "paths.raw_text": str(tmp_path / "raw.jsonl"),
        "paths.train": str(tmp_path / "train.spacy"),
        "paths.dev": str(tmp_path / "train.spacy"),
        "pretraining.component": "bio_ner",
        "pretraining.layer": "tok2vec",
        "pretraining.max_epochs": 2,
        "pretraining.objective.hidden_size": 16,
        **{f"components.bio_ner.model.tok2vec.{name}": value for name, value in SMALL.items()},
    }
    (tmp_path / "pretrained").mkdir()
    pretrain(load_config(tmp_path / "config.cfg", overrides, interpolate=True), tmp_path / "pretrained", silent=True)
    first, last = ((tmp_path / "pretrained" / f"model{i}.bin").read_bytes() for i in (0, 1))
    assert first != last
    overrides["paths.init_tok2vec"] = str(tmp_path / "pretrained" / "model1.bin")
    trained = init_nlp(load_config(tmp_path / "config.cfg", overrides))
    assert trained.get_pipe("bio_ner").model.get_ref("tok2vec").to_bytes() == last
