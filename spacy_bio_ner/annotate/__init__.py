"""Entities of a pile of texts as tables, in shards, so that a run that was cut off goes on where it was.

inputs/ reads every kind of input as the same items; shards.py cuts them into shards; work.py is what is done to one,
and engines/ say where; outputs.py holds the tables, manifest.py what they were made of; run.py ties them together.
"""
