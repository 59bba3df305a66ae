"""The layers that thinc runs: embedding, encoders, and the order in which a batch is computed."""
