"""Engines: where the work on shards is done. Each is a function of a job and shards that yields their records."""
