"""What is worth asking: documents to label, and questions about single spans."""
