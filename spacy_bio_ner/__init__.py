"""Named entity recognition as token classification with BIO tags, for spaCy."""

__version__ = "0.2.0"
