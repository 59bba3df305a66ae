"""Corpora as people have them: one module for each file format, one shape out."""
