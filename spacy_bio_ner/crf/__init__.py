"""The distribution over tag sequences: a linear-chain conditional random field over BIO tags."""
