"""Each language the whole way, on a few dozen sentences made here: convert, train, evaluate, package, load, text."""

import random

import pytest
import spacy

from ..conftest import ROOT, spacy_command

# Sentences of tokens, {P} a person and {L} a place; persons; places. A text is the tokens joined by the last of them.
LANGUAGES = {
    "es": (
        ["{P} vive en {L} .", "Ayer {P} viajó a {L} .", "¿ Conoce {P} la ciudad de {L} ?", "En {L} llueve mucho ."],
        ["Ana", "Luis García", "José", "Marta Núñez", "Iñigo"],
        ["Madrid", "Sevilla", "A Coruña", "León", "Buenos Aires"],
        " ",
    ),
    "de": (
        ["{P} wohnt in {L} .", "Gestern fuhr {P} nach {L} .", "Kennt {P} die Stadt {L} ?", "In {L} regnet es oft ."],
        ["Anna", "Jürgen Groß", "Björn", "Käthe Weiß", "Uwe"],
        ["Köln", "Berlin", "Bad Tölz", "Gießen", "Wien"],
        " ",
    ),
    "ar": (
        ["يسكن {P} في {L} .", "أمس سافر {P} إلى {L} .", "هل يعرف {P} مدينة {L} ؟", "المطر كثير في {L} ."],
        ["محمد", "أحمد علي", "فاطمة", "سارة حسن", "يوسف"],
        ["القاهرة", "دمشق", "الدار البيضاء", "بغداد", "تونس"],
        " ",
    ),
    "zh": (
        ["{P} 住 在 {L} 。", "昨 天 {P} 去 了 {L} 。", "{P} 知 道 {L} 吗 ？", "{L} 常 常 下 雨 。"],
        ["王 小 明", "李 娜", "张 伟", "刘 洋", "陈 静"],
        ["北 京", "上 海", "哈 尔 滨", "广 州", "台 北"],
        "",
    ),
}
SMALL = {"embed.width": 32, "embed.rows": 500, "embed.table_width": 16, "encode.width": 32, "encode.depth": 1}


def sentences(lang, n, seed):
    """Tokens with tags."""
    templates, persons, places, _ = LANGUAGES[lang]
    rng = random.Random(seed)
    for _ in range(n):
        tagged = []
        for word in rng.choice(templates).split():
            names = {"{P}": ("PER", persons), "{L}": ("LOC", places)}.get(word)
            if names is None:
                tagged.append((word, "O"))
            else:
                first, *others = rng.choice(names[1]).split()
                tagged += [(first, f"B-{names[0]}"), *((other, f"I-{names[0]}") for other in others)]
        yield tagged


def write_corpus(folder, lang):
    for split, n, seed in (("train", 48, 0), ("dev", 12, 1), ("test", 12, 2)):
        blocks = ("\n".join(f"{token}\t{tag}" for token, tag in tagged) for tagged in sentences(lang, n, seed))
        (folder / "mine").mkdir(exist_ok=True)
        (folder / "mine" / f"{split}.iob").write_text("\n\n".join(blocks) + "\n", encoding="utf8")
    return folder / "mine"


def convert_and_train(folder, source, lang):
    spacy_command("bio-ner", "convert", source, folder / "corpus", "--lang", lang)
    settings = {f"components.bio_ner.model.tok2vec.{name}": value for name, value in SMALL.items()}
    settings.update({"training.max_steps": 60, "training.eval_frequency": 30, "nlp.lang": lang})
    settings.update({f"paths.{split}": folder / "corpus" / f"{split}.spacy" for split in ("train", "dev")})
    options = [word for name, value in settings.items() for word in (f"--{name}", value)]
    spacy_command("train", ROOT / "configs" / "lstm.cfg", "--output", folder / "training", *options)
    return folder / "training" / "model-best"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_from_tagged_tokens_to_entities_in_text(lang, tmp_path):
    model = convert_and_train(tmp_path, write_corpus(tmp_path, lang), lang)
    output = spacy_command("bio-ner", "evaluate", model, tmp_path / "corpus" / "test.spacy")
    assert "do not hold for text" not in output
    (tmp_path / "packages").mkdir()
    spacy_command("package", model, tmp_path / "packages", "--name", "mine", "--version", "0.1.0", "--build", "none")
    nlp = spacy.load(tmp_path / "packages" / f"{lang}_mine-0.1.0" / f"{lang}_mine" / f"{lang}_mine-0.1.0")
    assert nlp.lang == lang
    # Text, as people write it: the tokenizer of the package finds the tokens again.
    glue, n_right, n = LANGUAGES[lang][3], 0, 0
    for tagged in sentences(lang, 20, 3):
        tokens = [token for token, _ in tagged]
        gold = spacy.tokens.Doc(nlp.vocab, words=tokens, ents=[tag for _, tag in tagged])
        text = glue.join(tokens).replace(" .", ".").replace(" ?", "?").replace("¿ ", "¿").replace(" ؟", "؟")
        found = [(ent.text, ent.label_) for ent in nlp(text).ents]
        n += len(gold.ents)
        n_right += sum((glue.join(token.text for token in ent), ent.label_) in found for ent in gold.ents)
    assert n > 20 and n_right / n > 0.9


def test_a_tokenizer_of_another_language_is_warned_of(tmp_path):
    model = convert_and_train(tmp_path, write_corpus(tmp_path, "zh"), "en")
    output = spacy_command("bio-ner", "evaluate", model, tmp_path / "corpus" / "test.spacy")
    assert "do not hold for text" in output
    assert not spacy.load(model)("昨天王小明去了北京。").ents
