"""What is worth a look in a corpus before a model learns from it."""
