"""Entities of a pile of texts as tables, in shards, so that a run that was cut off goes on where it was.

inputs/ reads every kind of input as the same items; shards.py cuts them into shards; worker.py is what is done to one,
and engines/ say where; outputs.py writes the tables and results.py reads them back; manifest.py says what they were
made of; runner.py ties it all together. job.py is what several of them share. taught.py is what `bio-ner distill` does
to a shard: it writes what a teacher says of the texts.
"""
