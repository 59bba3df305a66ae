"""A linear-chain conditional random field over BIO tags.

bio.py is the scheme, potentials.py the layer that owns the scores, linear_chain.py the distribution that they define.
The rest is what that computes with: recursions.py, decoding.py, spans.py, and rejections.py for spans that are known
not to be entities. losses.py has what training minimises.
"""
