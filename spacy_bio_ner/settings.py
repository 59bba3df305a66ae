"""The settings of prediction, in component.cfg: checked whenever one is set, and read back from a saved pipeline."""

import warnings
from typing import Any, Callable, Dict, Mapping, Tuple

# Of the form of what is saved. Version 1 had neither a version nor the config beside it, and the labels in cfg.
VERSION = 2


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1


def _is_threshold(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(label, str) and _is_share(share) for label, share in value.items())
    return _is_share(value)


def _rounded(value: Any) -> Any:
    """RETURNS (Any): The value with numbers as JSON keeps them: spaCy writes ten decimals."""
    if isinstance(value, Mapping):
        return {label: round(float(share), 9) for label, share in value.items()}
    return round(float(value), 9) if _is_number(value) else value


# For each setting whether a value has a meaning, and what is expected.
CHECKS: Dict[str, Tuple[Callable[[Any], bool], str]] = {
    "threshold": (_is_threshold, "a number from 0 to 1, or one for each label such as {'CHEM': 0.5}"),
    "candidate_threshold": (
        lambda value: value is None or (_is_share(value) and value > 0),
        "a number of more than 0 and at most 1, or None",
    ),
    "temperature": (
        lambda value: _is_number(value) and 0.01 <= value <= 100,
        "a number from 0.01 to 100",
    ),
    "spans_key": (
        lambda value: value is None or (isinstance(value, str) and value != ""),
        "the key of a span group, or None for the name of the component",
    ),
    "incorrect_spans_key": (lambda value: value is None or isinstance(value, str), "the key of a span group, or None"),
}
# Settings of version 1 that are gone, and the value with which they had no effect.
REMOVED = {"decoding": "viterbi", "beta": 1.0}


def checked(name: str, value: Any) -> Any:
    """Check the value of a setting.

    name (str): The setting.
    value (Any): The value.
    RETURNS (Any): The value as it is kept.
    RAISES (ValueError): If there is no such setting, or the value has no meaning.
    """
    if name not in CHECKS:
        raise ValueError(f"There is no setting {name!r} of bio_ner, but {', '.join(CHECKS)}.")
    has_meaning, expected = CHECKS[name]
    if not has_meaning(value):
        raise ValueError(f"The setting {name} of bio_ner is {value!r}, but should be {expected}.")
    return _rounded(value)


class Settings(dict):
    """The settings, by name. Besides them it holds "version", and under "config" what the pipeline's config gave. When
    a pipeline is loaded, a setting of its config.cfg counts if it is another than when the pipeline was saved: somebody
    has edited it. Otherwise the saved setting counts, which may have been changed at run time.
    """

    def __init__(self, **values: Any) -> None:
        """Take the settings that a config gives.

        **values: A value for each of CHECKS.
        RAISES (ValueError): If one is unknown or has no meaning.
        """
        super().__init__(version=VERSION)
        for name, value in values.items():
            self[name] = value
        self["config"] = {name: self[name] for name in values}

    def __setitem__(self, name: str, value: Any) -> None:
        """Set a setting.

        RAISES (ValueError): If it is unknown or the value has no meaning.
        """
        if name in ("version", "config"):  # pickle and copy set them like this
            super().__setitem__(name, value)
            return
        super().__setitem__(name, checked(name, value))

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several settings. spaCy also gives what a pipeline has saved to this method: that is told by its version,
        or by the labels that version 1 kept with them.

        *args, **kwargs: As for dict.update.
        RAISES (ValueError): If one is unknown or has no meaning, or one that was saved is missing.
        """
        try:
            values = dict(*args, **kwargs)
        except (TypeError, ValueError):
            raise ValueError(
                "The saved settings of bio_ner are damaged: they should be an object with names."
            ) from None
        if "version" in values or "labels" in values:
            values = self._from_saved(values)
        for name, value in values.items():
            self[name] = value

    def changed(self) -> Dict[str, Any]:
        """RETURNS (Dict[str, Any]): The settings that are not what the pipeline's config gave."""
        return {name: self[name] for name in CHECKS if self[name] != self["config"].get(name)}

    def _from_saved(self, saved: Dict[str, Any]) -> Dict[str, Any]:
        version, labels = saved.pop("version", 1), saved.pop("labels", None)
        now = self["config"]
        if version == 1:
            for name in REMOVED:
                if name in saved:
                    refuse_removed(name, saved.pop(name))
            # What was in cfg counted always, and there were no other settings.
            saved = {"spans_key": self["spans_key"], "incorrect_spans_key": None, **saved, "config": now}
            super().__setitem__("labels", labels)  # for the component to put with its model
        elif version != VERSION:
            raise ValueError(f"The saved settings of bio_ner have the version {version!r}: update spacy-bio-ner.")
        then = saved.pop("config", None)
        missing = CHECKS.keys() - saved.keys()
        if missing or not isinstance(then, Mapping):
            raise ValueError(f"The saved settings of bio_ner lack {', '.join(sorted(missing)) or 'config'}.")
        return {name: saved[name] if now.get(name) == then.get(name) else now[name] for name in saved}


def refuse_removed(name: str, value: Any) -> None:
    """Accept a setting that is gone where it had no effect.

    name (str): The setting, one of REMOVED.
    value (Any): Its value in a config, or in a saved pipeline.
    RAISES (ValueError): If it had an effect.
    """
    if value != REMOVED[name]:
        raise ValueError(
            f"The setting {name}={value!r} of bio_ner is gone: set a threshold instead, see 'bio-ner threshold'."
        )
    warnings.warn(f"The setting {name} of bio_ner is gone: take it out of the config.", DeprecationWarning)
