"""The error that every part of the library raises for what a person has to mend."""


class InputError(ValueError):
    """Input that cannot be used as it is. Its message is for the person whose input it is."""
