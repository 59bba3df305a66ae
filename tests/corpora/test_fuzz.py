"""Whatever is in a file: a result whose account adds up, or an error that says where; nothing else, and no silence."""

import shutil
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_bio_ner.corpora.convert import convert
from spacy_bio_ner.corpora.formats.registry import FORMATS
from spacy_bio_ner.corpora.options import Offsets, Options
from spacy_bio_ner.util import InputError

from . import mutations
from .reading import docs_of

N_QUICK, N_SLOW = 400, 110_000


def convert_or_refuse(source, out, **options):
    """RETURNS: The ledgers of a conversion, None if it was refused. Everything else fails."""
    try:
        ledgers = convert(source, out, **options)
    except InputError as err:
        assert str(err).strip() and not out.exists(), err
        return None
    written = {"checksums.json", "ledger.json", *(f"{name}.spacy" for name in ledgers)}
    assert {path.name for path in out.iterdir()} == written
    for name, ledger in ledgers.items():
        docs = docs_of(out / f"{name}.spacy")
        fates = ledger.mentions
        assert not ledger.errors and ledger.documents == len(docs)
        assert fates["kept"] + fates["repaired"] + fates["snapped"] == sum(len(doc.ents) for doc in docs)
        assert fates["lost"] == sum(ledger.lost.values()) and not fates["refused"]
        assert sum(fates.values()) == sum(ledger.label_counts.values()), fates
        assert ledger.rejected["kept"] == sum(len(doc.spans.get("incorrect_spans", ())) for doc in docs)
        assert ledger.missing == sum(token.ent_iob == 0 for doc in docs for token in doc)
        assert ledger.tokens["kept"] == sum(len(doc) for doc in docs if doc.has_unknown_spaces)
        assert not ledger.tokens["refused"] and min(ledger.passed_over.values(), default=0) >= 0
    return ledgers


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def fuzz(tmp_path, seed, n):
    """RETURNS (Counter): How many damaged inputs were tried, and of each kind how many were refused and read."""
    mutator, counts = mutations.Mutator(seed), Counter()
    for number in range(n):
        kind, files = mutator.draw()
        folder = write(tmp_path / "in", files)
        options = {
            "repair": mutator.random.random() < 0.3,
            "n_sents": mutator.random.choice([0, 1, 1, 3]),
            "format": mutator.random.choice(list(FORMATS)) if mutator.random.random() < 0.03 else None,
            "options": Options(),
        }
        if kind in mutations.WITH_OFFSETS and mutator.random.random() < 0.1:
            options["options"] = Options(offsets=Offsets.utf16)
        try:
            ledgers = convert_or_refuse(folder, tmp_path / "out", **options)
        except Exception as err:
            raise AssertionError(f"seed {seed}, input {number}, {kind}: {files} {options}") from err
        counts["tried"] += 1
        counts[kind, "refused" if ledgers is None else "read"] += 1
        shutil.rmtree(folder)
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
    return counts


def test_damaged_inputs(tmp_path):
    counts = fuzz(tmp_path, 0, N_QUICK)
    assert counts["tried"] == N_QUICK
    assert sum(n for key, n in counts.items() if key[1] == "read") > N_QUICK / 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 12))
def test_many_damaged_inputs(tmp_path, seed):
    counts = fuzz(tmp_path, seed, N_SLOW // 11)
    verdicts = {verdict: sum(n for key, n in counts.items() if key[1] == verdict) for verdict in ("refused", "read")}
    print(f"\nseed {seed}: {verdicts}")
    assert counts["tried"] == N_SLOW // 11


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_soup(tmp_path_factory, data):
    """What hypothesis makes of the same pieces, and makes smaller."""
    folder = tmp_path_factory.mktemp("soup")
    kind = data.draw(st.sampled_from([*mutations.FILES, *mutations.JSON_FILES]))
    sound = mutations.FILES.get(kind) or mutations.json_lines(*mutations.JSON_FILES[kind])
    content = sound.encode("utf8")
    start = data.draw(st.integers(0, len(content)))
    pieces = data.draw(
        st.lists(st.sampled_from(mutations.PIECES), max_size=6) | st.binary(max_size=20).map(lambda b: [b])
    )
    content = content[:start] + b"".join(pieces) + content[start + data.draw(st.integers(0, 5)) :]
    convert_or_refuse(write(folder / "in", {"dev.x": content}), folder / "out")


@pytest.mark.parametrize("kind", [*mutations.FILES, *mutations.FOLDERS, *mutations.JSON_FILES])
def test_what_is_sound_is_read(tmp_path, kind):
    """All seeds are read as they are, or the fuzz would only try what is refused anyway."""
    files = {"dev.x": mutations.FILES[kind].encode()} if kind in mutations.FILES else None
    if kind in mutations.FOLDERS:
        files = {f"dev/{name}": text.encode() for name, text in mutations.FOLDERS[kind].items()}
    if kind in mutations.JSON_FILES:
        files = {"dev.x": mutations.dump(mutations.JSON_FILES[kind], mutations.random.Random(0))}
        files["README.md"] = mutations.CARD.encode()
    [ledger] = convert_or_refuse(write(tmp_path / "in", files), tmp_path / "out").values()
    assert sum(ledger.mentions.values()) > 0


def accounted(ledgers):
    """RETURNS: What was read of mentions and what was passed over, each by its kind."""
    [ledger] = ledgers.values()
    return sum(ledger.mentions.values()) + sum(ledger.rejected.values()), dict(+ledger.passed_over)


def retype(value):
    """RETURNS: The same in another type."""
    return {"x": value} if isinstance(value, list) else 5 if isinstance(value, str) else [value]


@pytest.mark.parametrize("change", ["rename", "retype"])
@pytest.mark.parametrize("kind", mutations.JSON_FILES)
def test_no_key_that_is_changed_loses_a_mention_in_silence(tmp_path, kind, change):
    """A key renamed, or its value of another type: refused, or as many mentions as before, or told as passed over."""

    def read(value):
        folder = write(
            tmp_path / "in", {"dev.x": mutations.json.dumps(value).encode(), "README.md": mutations.CARD.encode()}
        )
        ledgers = convert_or_refuse(folder, tmp_path / "out")
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        return None if ledgers is None else accounted(ledgers)

    sound = mutations.JSON_FILES[kind]
    n_mentions, passed_over = read(sound)
    for path in list(mutations.nodes(sound)):
        value = mutations.copy.deepcopy(sound)
        parent, key = mutations.parent_of(value, path), path[-1]
        if change == "retype":
            parent[key] = retype(parent[key])
        elif isinstance(parent, dict):
            parent[f"{key}x"] = parent.pop(key)
        else:
            continue
        found = read(value)
        assert found is None or found[0] >= n_mentions or found[1] != passed_over, (path, found, n_mentions)
