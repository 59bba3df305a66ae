"""File formats: a module for each, and the registry that tells them apart."""
