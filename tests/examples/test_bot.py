"""The bot: the corpus it learns from, its config, and what it says."""

import importlib.util
import json
import re
import subprocess
from collections import Counter

import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import load_config, load_model_from_config
from spacy.vocab import Vocab
from thinc.api import fix_random_seed
from typer import Typer
from typer.testing import CliRunner

from spacy_bio_ner.confidence import write_confidences
from spacy_bio_ner.corpora.formats import slots
from spacy_bio_ner.corpora.ledger import Ledger

from ..conftest import ROOT, SMALL_MODEL

CORPUS = ROOT / "assets" / "assistant"
OUT_OF_DOMAIN = ROOT / "examples" / "out_of_domain"
SPLITS = ("train", "dev", "test")
VOCAB = Vocab()


@pytest.fixture(scope="module")
def bot():
    spec = importlib.util.spec_from_file_location("bot", ROOT / "examples" / "bot.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def intents(bot):
    return {
        "weather": bot.Intent(
            about="the weather",
            needs=[
                {"slots": ["location"], "ask": "Where?", "check": "In {text}?"},
                {"slots": ["date", "time"], "ask": "When?", "check": "Then, {text}?"},
            ],
        ),
        "other": bot.Intent(about="something else", in_domain=False),
    }


def utterance(text, cats, *slots):
    """A Doc as a pipeline leaves it: slots are the words, a label and a probability."""
    doc = Doc(VOCAB, words=text.split())
    spans = [doc.char_span(text.index(words), text.index(words) + len(words), label) for words, label, _ in slots]
    doc.ents = spans
    write_confidences(
        doc, "bio_ner", [(span, probability, 0.0, True) for span, (_, _, probability) in zip(spans, slots)]
    )
    doc.cats = cats
    return doc


SURE = {"weather": 0.9, "other": 0.1}
PARIS, TODAY = ("Paris", "location", 0.8), ("today", "date", 0.9)


def test_everything_known(bot, intents):
    doc = utterance("rain in Paris today", SURE, PARIS, TODAY)
    assert bot.understand(doc, intents, 0.5, 0.2) == {
        "text": doc.text,
        "intent": {"label": "weather", "probability": 0.9},
        "slots": [
            {"text": "Paris", "label": "location", "start": 8, "end": 13, "probability": 0.8},
            {"text": "today", "label": "date", "start": 14, "end": 19, "probability": 0.9},
        ],
        "ask": None,
    }


@pytest.mark.parametrize(
    "cats, slots, asked",
    [
        (SURE, [], "Where?"),  # the first of two things that are missing
        (SURE, [TODAY], "Where?"),
        (SURE, [PARIS], "When?"),
        (SURE, [PARIS, ("today", "time", 0.9)], None),  # either of two slots will do
        (SURE, [("Paris", "location", 0.4), TODAY], "In Paris?"),
        (SURE, [PARIS, ("today", "date", 0.1)], "Then, today?"),
        (SURE, [PARIS, ("rain", "date", 0.1), TODAY], None),  # one that is sure is enough
        (SURE, [PARIS, TODAY, ("rain", "condition", 0.1)], None),  # not needed
        ({"weather": 0.45, "other": 0.3, "music": 0.25}, [PARIS], "Is this about the weather or about something else?"),
        ({"music": 0.45, "weather": 0.4, "other": 0.15}, [], "Is this about music or about the weather?"),
        ({"music": 0.9, "weather": 0.1}, [], None),  # nothing is said about this intent
    ],
)  # fmt: skip
def test_what_is_asked_back(bot, intents, cats, slots, asked):
    assert bot.understand(utterance("rain in Paris today", cats, *slots), intents, 0.5, 0.2)["ask"] == asked


@pytest.mark.parametrize(
    "cats, understood",
    [
        ({"other": 0.9, "weather": 0.1}, False),
        ({"other": 0.7, "weather": 0.3}, True),  # asked about, rather
        ({"other": 0.7, "weather": 0.15, "music": 0.15}, False),
        ({"music": 0.18, "weather": 0.15, "alarm": 0.15, "travel": 0.14}, False),  # nothing is probable
        ({"music": 0.9, "weather": 0.1}, True),
    ],
)
def test_what_is_outside_the_domains_is_not_understood(bot, intents, cats, understood):
    found = bot.understand(utterance("rain in Paris today", cats, PARIS), intents, 0.5, 0.2)
    assert (found["intent"] is not None) is understood is bool(found["slots"])
    if not understood:
        assert found["ask"] == "I did not understand that. I know about the weather."


def test_a_slot_that_another_component_has_set_is_certain(bot, intents):
    doc = utterance("rain in Paris today", SURE, PARIS, TODAY)
    del doc.spans["bio_ner"]
    doc.user_data.clear()
    found = bot.understand(doc, intents, 0.5, 0.2)
    assert [slot["probability"] for slot in found["slots"]] == [1.0, 1.0] and found["ask"] is None


def test_the_threshold_is_what_makes_a_doubt(bot, intents):
    doc = utterance("rain in Paris today", SURE, PARIS, TODAY)
    asked = [bot.question(doc, intents, threshold) for threshold in (0.8, 0.85, 0.95)]
    assert asked == [None, "In Paris?", "Is this about the weather or about something else?"]


LEARNED = [
    ("weather in Oslo", "weather", [(11, 15, "location")]),
    ("is it cold in Rome", "weather", [(14, 18, "location")]),
    ("how is the weather", "weather", []),
    ("play some jazz", "music", [(10, 14, "genre")]),
    ("put on rock", "music", [(7, 11, "genre")]),
    ("play music", "music", []),
]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """A pipeline that has learned a few utterances by heart, on disk."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("textcat")
    nlp.add_pipe("bio_ner", config={"model": SMALL_MODEL})
    examples = []
    for text, intent, entities in LEARNED:
        cats = {name: float(name == intent) for name in ("weather", "music")}
        examples.append(Example.from_dict(nlp.make_doc(text), {"entities": entities, "cats": cats}))
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(40):
        nlp.update(examples, sgd=optimizer)
    path = tmp_path_factory.mktemp("pipeline")
    nlp.to_disk(path)
    return path


QUESTIONS = """
weather: {about: the weather, needs: [{slots: [location], ask: "Where?", check: "In {text}?"}]}
music: {about: music, needs: [{slots: [genre], ask: "What music?", check: "Some {text}?"}]}
unheard: {about: of, needs: [{slots: [unknown], ask: "What?", check: "{text}?"}]}
"""


@pytest.fixture
def run(bot, tmp_path):
    (tmp_path / "questions.yml").write_text(QUESTIONS)
    app = Typer()
    app.command()(bot.main)

    def run(*args, questions=tmp_path / "questions.yml", said=None):
        return CliRunner().invoke(app, [*map(str, args), "--questions", str(questions)], input=said)

    return run


def test_one_shot(run, pipeline):
    result = run(pipeline, "weather in Oslo")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["intent"]["label"] == "weather" and answer["ask"] is None
    assert [(slot["text"], slot["label"], slot["start"], slot["end"]) for slot in answer["slots"]] == [
        ("Oslo", "location", 11, 15)
    ]
    nlp = spacy.load(pipeline)
    doc = nlp("weather in Oslo")
    assert answer["intent"]["probability"] == pytest.approx(doc.cats["weather"], abs=1e-3)
    assert answer["slots"][0]["probability"] == pytest.approx(doc.ents[0]._.confidence, abs=1e-3)
    assert json.loads(run(pipeline, "play music").stdout)["ask"] == "What music?"


def test_one_utterance_after_another(pipeline, tmp_path, light_python):
    (tmp_path / "questions.yml").write_text(QUESTIONS)
    command = [light_python, ROOT / "examples" / "bot.py", pipeline, "--questions", tmp_path / "questions.yml"]
    said = "how is the weather\n\n   \nput on rock\n"
    result = subprocess.run(command, input=said, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    first, second = map(json.loads, re.split(r"(?<=})\s+(?={)", result.stdout))
    assert first["ask"] == "Where?" and second["slots"][0]["label"] == "genre"
    assert "You>" in result.stderr


def test_quit_ends_it(run, pipeline):
    result = run(pipeline, said="\nplay music\n quit \nput on rock\n")
    assert result.exit_code == 0 and re.findall('"text": "(.*)"', result.stdout) == ["play music"]


@pytest.mark.parametrize("said", ["", "  "])
def test_an_empty_utterance_is_not_understood(run, pipeline, said):
    result = run(pipeline, said)
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["intent"] is None and answer["ask"].startswith("I did not understand that.")


def test_what_cannot_be_used(run, pipeline, tmp_path):
    def refused(*args, **kwargs):
        result = run(*args, **kwargs)
        assert result.exit_code == 1 and isinstance(result.exception, SystemExit), result.output
        return re.sub(r"\s+", " ", result.output)

    assert "no_such_model: cannot load the pipeline" in refused("no_such_model", "hello")
    for missing, rest in (("textcat", "bio_ner"), ("bio_ner", "textcat")):
        nlp = spacy.load(pipeline, exclude=[missing])
        nlp.to_disk(tmp_path / "part")
        assert f"found no {missing} in the pipeline (it has {rest})" in refused(tmp_path / "part", "hello")

    assert "cannot read the questions" in refused(pipeline, "hello", questions=tmp_path / "none.yml")
    questions = tmp_path / "questions.yml"
    for wrong in (
        "weather: [",
        "weather: {needs: []}",
        "weather: {about: x, needs: 3}",
        "- weather",
        "weather: 3",
        "3",
        "",
    ):
        questions.write_text(wrong)
        assert f"{questions}: cannot read the questions" in refused(pipeline, "hello")
    questions.write_text("music: {about: m, needs: [{slots: [genre, gnre], ask: a}]}")
    assert "music needs gnre, but the slots are genre, location" in refused(pipeline, "hello")


@pytest.fixture(scope="module")
def splits():
    """The sentences of each split, as `convert` reads them."""
    ledger = Ledger(CORPUS)
    splits = {split: list(slots.read(CORPUS / split, ledger)) for split in SPLITS}
    assert not ledger.errors
    return splits


def intent_of(sentence):
    [intent] = [name for name, value in sentence.cats.items() if value]
    return intent


def slots_of(sentence):
    return [(ent.text.lower(), ent.label_) for ent in Doc(VOCAB, words=sentence.words, ents=sentence.tags).ents]


def test_corpus_has_enough_of_everything(splits):
    utterances = [sentence for split in SPLITS for sentence in splits[split]]
    distinct = {" ".join(word.lower() for word in sentence.words if word.isalnum()) for sentence in utterances}
    assert len(distinct) == len(utterances) >= 500  # however they are written: no utterance of one split is in another
    for split in SPLITS:
        counts = Counter(map(intent_of, splits[split]))
        assert len(counts) >= 8 and min(counts.values()) >= 10
    labels = [{label for sentence in splits[split] for _, label in slots_of(sentence)} for split in SPLITS]
    assert labels[0] == labels[1] == labels[2]
    assert all(any(not slots_of(sentence) for sentence in splits[split]) for split in SPLITS)


def test_corpus_tokens_are_those_that_the_pipeline_makes(splits):
    nlp = load_model_from_config(load_config(ROOT / "configs" / "assistant.cfg"), auto_fill=True)
    split_punctuation = spacy.registry.callbacks.get("spacy_bio_ner.split_punctuation.v1")()
    split_punctuation(nlp)
    for split in SPLITS:
        for sentence in splits[split]:
            assert [token.text for token in nlp.make_doc(" ".join(sentence.words))] == list(sentence.words)


def test_corpus_readme_tells_the_truth(splits):
    rows = re.findall(r"^\| (train|dev|test) \|(.*)\|$", (CORPUS / "README.md").read_text(), flags=re.M)
    told = {split: [cell.strip() for cell in cells.split("|")] for split, cells in rows}
    seen = {slot for sentence in splits["train"] for slot in slots_of(sentence)}
    for split in SPLITS:
        found = [slot for sentence in splits[split] for slot in slots_of(sentence)]
        counts = [len(splits[split]), sum(len(s.words) for s in splits[split]), len(found)]
        unseen = "" if split == "train" else f"{sum(slot not in seen for slot in found) / len(found):.0%}"
        assert told[split] == [*(f"{n:,}" for n in counts), unseen.replace("%", " %")]


def test_examples_of_the_readme_are_not_in_the_corpus(splits):
    texts = {"".join(sentence.words).lower() for split in SPLITS for sentence in splits[split]}
    assert not texts & {"what'stheweatherinparistomorrow?", "what'stheweather?"}


def test_questions_fit_the_corpus(bot, splits):
    nlp = spacy.blank("en")
    textcat, bio_ner = nlp.add_pipe("textcat"), nlp.add_pipe("bio_ner")
    for sentence in splits["train"]:
        textcat.add_label(intent_of(sentence))
        for _, label in slots_of(sentence):
            bio_ner.add_label(label)
    intents = bot.load_intents(bot.QUESTIONS, nlp)
    assert set(intents) == set(textcat.labels)
    for intent in intents.values():
        assert all(need.slots and need.ask and "{text}" in need.check for need in intent.needs)
    assert [label for label, intent in intents.items() if not intent.in_domain] == ["other"]


def test_utterances_outside_the_domains_are_new(splits):
    """Those that the bot's threshold is chosen with, and those that it is tested with."""
    lines = {name: (OUT_OF_DOMAIN / f"{name}.txt").read_text().splitlines() for name in ("dev", "test")}
    texts = [re.sub("[^a-z0-9]", "", line.lower()) for split in lines.values() for line in split]
    corpus = {re.sub("[^a-z0-9]", "", "".join(s.words).lower()) for split in SPLITS for s in splits[split]}
    assert len(set(texts)) == len(texts) and not corpus & set(texts) and min(map(len, lines.values())) >= 100


def test_config_shares_one_encoder():
    config = load_config(ROOT / "configs" / "assistant.cfg")
    nlp = load_model_from_config(config, auto_fill=True)
    assert nlp.pipe_names == ["tok2vec", "textcat", "bio_ner"]
    assert nlp.get_pipe("tok2vec").listening_components == ["textcat", "bio_ner"]
