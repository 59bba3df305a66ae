import os
import sys
from contextlib import ExitStack
from multiprocessing import spawn
from pathlib import Path

# More threads than one cost more than they bring with models this small, and very much where cores are busy. Set before
# NumPy and torch are imported, which read it then; processes that tests start have it too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import catalogue
import pytest
import spacy
from browser import chromium
from hypothesis import settings
from spacy.cli import app
from spacy.training import Example
from typer.testing import CliRunner

import spacy_bio_ner.cli  # noqa: F401  (adds the commands)

from .light import make_light_python

# No deadlines: a busy machine is no reason to fail. Fewer examples than hypothesis draws by default, since many tests
# enumerate; `make test-all` draws more.
settings.register_profile("quick", deadline=None, max_examples=30)
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile("quick")

# Each look-up in a registry, and spaCy makes hundreds for a pipeline, goes through the entry points of all packages
# that are installed. In this form they are found by their group.
found = catalogue.AVAILABLE_ENTRY_POINTS
if hasattr(found, "select"):
    catalogue.AVAILABLE_ENTRY_POINTS = {group: list(found.select(group=group)) for group in found.groups}

ROOT = Path(__file__).parent.parent
# Of no language: English has 1,300 exceptions of its tokenizer, which take longer to make or to load than all else of a
# small pipeline.
LANG = "xx"


def pytest_collection_modifyitems(items):
    """The whole project, which takes longest, first: the others run beside it."""
    items.sort(key=lambda item: "e2e" not in item.keywords)


@pytest.fixture
def corpora() -> Path:
    """The folder of public corpora outside the repository."""
    path = os.environ.get("BIO_NER_CORPORA")
    if not path or not Path(path).is_dir():
        pytest.skip("set BIO_NER_CORPORA to a folder with the corpora bc5cdr, bc5cdr-iob and ncbi-disease-iob")
    return Path(path)


def spacy_command(*words) -> str:
    """Call a command of spaCy's in this process: a new one takes seconds to begin.

    words: What would follow `python -m spacy`, as anything with a str.
    RETURNS (str): What it prints.
    """
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, f"{words}: {result.output[-3000:]}{result.exception!r}"
    return result.output


@pytest.fixture(scope="session")
def light_python(tmp_path_factory) -> Path:
    """A Python without the extra 'transformers', for processes that start sooner."""
    return make_light_python(tmp_path_factory.mktemp("light"), ROOT)


@pytest.fixture
def light_children(light_python, monkeypatch):
    """Processes that the code under test starts have the light Python, those of multiprocessing too."""
    before = spawn.get_executable()
    if str(light_python) != sys.executable:
        [site] = light_python.parents[1].glob("lib/python*/site-packages")
        monkeypatch.setattr(sys, "path", [*(path for path in sys.path if "-packages" not in path), str(site)])
        monkeypatch.setattr(sys, "executable", str(light_python))
        spawn.set_executable(str(light_python))
    yield
    spawn.set_executable(before)


@pytest.fixture(scope="session")
def browser():
    """A real Chromium without a screen."""
    with ExitStack() as stack:
        try:
            browser = stack.enter_context(chromium())
        except RuntimeError as err:
            pytest.skip(str(err))
        yield browser


TEXTS = [
    ("Amiodarone can cause pulmonary fibrosis .", [(0, 10, "CHEM"), (21, 39, "DIS")]),
    ("Aspirin and warfarin .", [(0, 7, "CHEM"), (12, 20, "CHEM")]),
    ("Fever after penicillin", [(0, 5, "DIS"), (12, 22, "CHEM")]),
    ("Nothing was seen .", []),
    ("Asthma", [(0, 6, "DIS")]),
]
# Some annotation that a model which has learned TEXTS gets wrong.
NOISY = [*TEXTS[:3], ("Aspirin and warfarin .", [(0, 7, "DIS")]), ("Asthma", [])]


def gold_docs(nlp, texts=TEXTS):
    docs = []
    for text, ents in texts:
        doc = nlp.make_doc(text)
        doc.set_ents([doc.char_span(start, end, label=label) for start, end, label in ents])
        docs.append(doc)
    return docs


@pytest.fixture
def nlp():
    return spacy.blank(LANG)


@pytest.fixture
def make_examples():
    def make(nlp):
        return [Example.from_dict(nlp.make_doc(text), {"entities": ents}) for text, ents in TEXTS]

    return make


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory):
    """A folder with a BERT of random weights, whose word pieces are letters and some of the words of TEXTS."""
    transformers = pytest.importorskip("transformers", reason="needs the extra 'transformers'")
    letters = "abcdefghijklmnopqrstuvwxyz.-"
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *("##" + letter for letter in letters)]
    vocab += ["and", "after", "fever", "nothing", "aspirin", "peni", "##cillin", "pulmonary", "##rone"]
    folder = tmp_path_factory.mktemp("encoder") / "tiny-bert"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(vocab), encoding="utf-8")
    transformers.BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)
    transformers.set_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(vocab), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64,
    )  # fmt: skip
    transformers.BertModel(config).save_pretrained(folder)
    return folder


def small_transformer(name: str, **settings):
    """A tagger over a transformer, for a config."""
    tok2vec = {
        "@architectures": "spacy_bio_ner.TransformerEncoder.v1",
        "name": name,
        "window": 32,
        "stride": 16,
        "mixed_precision": False,
        "tokenizer_config": {},
        "transformer_config": {},
    }
    return {"@architectures": "spacy_bio_ner.BioTagger.v1", "tok2vec": {**tok2vec, **settings}}


def add_spacy_transformer(nlp, encoder):
    """Add the component of spacy-transformers as `spacy init config --gpu` does, and give the config of a listener."""
    spans = {"@span_getters": "spacy-transformers.strided_spans.v1", "window": 16, "stride": 12}
    model = {"@architectures": "spacy-transformers.TransformerModel.v3", "name": str(encoder), "get_spans": spans}
    nlp.add_pipe("transformer", config={"model": model})
    return {
        "@architectures": "spacy-transformers.TransformerListener.v1", "grad_factor": 1.0,
        "pooling": {"@layers": "reduce_mean.v1"},
    }  # fmt: skip


@pytest.fixture(scope="session", params=["bilstm", "transformer"])
def trained_pipeline(request):
    """The config of a tagger, and as bytes a pipeline of it that has learned TEXTS by heart."""
    model = SMALL_MODEL
    if request.param == "transformer":
        model = small_transformer(str(request.getfixturevalue("tiny_bert")))
    return model, learn_by_heart(model).to_bytes()


def learn_by_heart(model, n_updates=60):
    """A pipeline with a tagger of this config that has learned TEXTS by heart."""
    from thinc.api import fix_random_seed

    fix_random_seed(0)
    nlp = spacy.blank(LANG)
    nlp.add_pipe("bio_ner", config={"model": model})
    examples = [Example.from_dict(nlp.make_doc(text), {"entities": ents}) for text, ents in TEXTS]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(n_updates):
        nlp.update(examples, sgd=optimizer)
    return nlp


@pytest.fixture
def trained(trained_pipeline):
    """A copy of its own for every test."""
    model, trained_bytes = trained_pipeline
    nlp = spacy.blank(LANG)
    nlp.add_pipe("bio_ner", config={"model": model})
    return nlp.from_bytes(trained_bytes)


@pytest.fixture
def model(trained, tmp_path):
    """The same, saved."""
    trained.to_disk(tmp_path / "model")
    return tmp_path / "model"


SMALL_MODEL = {
    "@architectures": "spacy_bio_ner.BioTagger.v1",
    "tok2vec": {
        "@architectures": "spacy.Tok2Vec.v2",
        "embed": {
            "@architectures": "spacy_bio_ner.SubwordEmbed.v1",
            "width": 32,
            "rows": 200,
            "table_width": 16,
            "prefixes": [1, 2],
            "suffixes": [2, 3],
        },
        "encode": {"@architectures": "spacy_bio_ner.BiLSTMEncoder.v1", "width": 32, "depth": 1},
    },
}
