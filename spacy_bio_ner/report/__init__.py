"""A page that tells a person what a model gets right and wrong, and whether to trust it."""
