"""Named entity recognition as token classification with BIO tags, for spaCy."""
