"""Kinds of input: one module for each, one shape out."""
