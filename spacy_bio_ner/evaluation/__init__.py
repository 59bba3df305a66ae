"""Scores that count every mention of the source, and say how far they can be trusted."""
