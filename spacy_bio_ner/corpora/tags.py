"""Tags as people write them (IOB1, IOB2, IOBES, BILUO, BMES) read as entities."""

from enum import Enum
from typing import Iterable, List, NamedTuple, Optional, Sequence, Tuple

from .record import Mention

MISSING = "-"
_PREFIXES = {"B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S"}


class Scheme(str, Enum):
    """How tags mark where entities start and end.

    bio: also called IOB2. Each entity starts with B-.
    iob1: B- only marks an entity that directly follows one of its own type; others start with I-.
    iobes: also called BILUO or BMES. E- (L-) ends an entity, S- (U-) is one of a single token; I- may be M-.
    """

    bio = "bio"
    iob1 = "iob1"
    iobes = "iobes"


_EXPECTED_TAGS = {
    Scheme.bio: f"O, {MISSING}, or B- or I- and a label",
    Scheme.iob1: f"O, {MISSING}, or I- or B- and a label",
    Scheme.iobes: f"O, {MISSING}, or B-, I- (M-), E- (L-) or S- (U-) and a label",
}


class Problem(NamedTuple):
    """Something wrong with a sentence's tags.

    token (int): The index of the token at fault.
    message (str): What was found, what was expected, what to do.
    mention (Optional[int]): The index of the mention it concerns, if any.
    repairable (bool): Whether there is one sensible reading, which the mention already has.
    """

    token: int
    message: str
    mention: Optional[int] = None
    repairable: bool = False


def split_tag(tag: str) -> Optional[Tuple[str, str]]:
    """Split a tag at its prefix, which labels with hyphens or prefix letters inside survive.

    tag (str): The tag, such as "B-DIS", "O" or "-".
    RETURNS (Optional[Tuple[str, str]]): One of O, -, B, I, E, S and the label; None if it is no such tag.
    """
    if tag in ("O", MISSING):
        return tag, ""
    prefix, label = tag[:1], tag[2:]
    if tag[1:2] == "-" and prefix in _PREFIXES and label.strip():
        return _PREFIXES[prefix], label
    return None


def detect_scheme(sentences: Iterable[Sequence[str]]) -> Scheme:
    """Find the scheme of a corpus. It is IOB1 only if some entity starts with I- and every B- directly
    follows an entity of its own type, which is the only place where IOB1 has a B-.

    sentences (Iterable[Sequence[str]]): The tags of all sentences.
    RETURNS (Scheme): The scheme.
    """
    starts_with_inside, b_needless = False, False
    for tags in sentences:
        before = ("O", "")
        for tag in tags:
            prefix, label = now = split_tag(tag) or ("O", "")
            if prefix in "ES" or tag.startswith("M-"):
                return Scheme.iobes
            follows_own_type = before[0] in "BI" and before[1] == label
            b_needless |= prefix == "B" and not follows_own_type
            starts_with_inside |= prefix == "I" and not follows_own_type
            before = now
    return Scheme.iob1 if starts_with_inside and not b_needless else Scheme.bio


def read_tags(tags: Sequence[str], scheme: Scheme) -> Tuple[List[Mention], List[int], List[Problem]]:
    """Read the entities of a sentence.

    tags (Sequence[str]): The tag of each token.
    scheme (Scheme): Their scheme.
    RETURNS (Tuple[List[Mention], List[int], List[Problem]]): The entities, the tokens whose annotation is
        missing, and what is wrong. Every token tagged as part of an entity is in one.
    """
    mentions: List[Mention] = []
    missing: List[int] = []
    problems: List[Problem] = []
    is_open = False
    before = "O"

    def problem(token: int, message: str, repairable: bool = True) -> None:
        problems.append(Problem(token, message, len(mentions) - 1, repairable))

    for i, tag in enumerate([*tags, "O"]):
        parts = split_tag(tag)
        if parts is None:
            problems.append(Problem(i, f"unknown tag {tag!r}, expected {_EXPECTED_TAGS[scheme]}"))
            parts = ("O", "")
        prefix, label = parts
        continues = prefix in "IE" and is_open and mentions[-1].label == label
        if is_open and not continues and scheme is Scheme.iobes:
            problem(i - 1, f"no end tag for the entity that ends with {before!r}, expected E-{mentions[-1].label}")
        if continues:
            mentions[-1] = mentions[-1]._replace(end=i + 1)
        elif prefix not in ("O", MISSING):
            mentions.append(Mention(i, i + 1, label))
            if prefix in "IE" and before == MISSING:
                problem(
                    i,
                    f"{tag!r} follows a missing tag, expected all of the entity tagged, or all of it {MISSING}",
                    False,
                )
            elif prefix in "IE" and scheme is not Scheme.iob1:
                problem(i, f"{tag!r} follows {before!r}, expected B-{label}")
        is_open = prefix in "BI"
        if prefix == MISSING:
            missing.append(i)
        before = tag
    return mentions, missing, problems
