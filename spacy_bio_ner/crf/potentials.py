"""The scores that define a linear-chain CRF (Lafferty et al. 2001), and the layer that owns those of transitions."""

from dataclasses import dataclass
from typing import Callable, Optional, Tuple

from thinc.api import Model
from thinc.types import Floats1d, Floats2d, Ragged

from .bio import allowed_starts, allowed_transitions


@dataclass
class Potentials:
    """The score of every tag, of every tag after another, and of every tag for a first token. Gradients with respect
    to the scores, and expected counts, have the same form.

    emissions (Ragged): The score of each tag for each token, data of shape (tokens, n_tags).
    transitions (Floats2d): The score of a tag after another, [previous tag, tag]; -inf where forbidden.
    starts (Floats1d): The score of a tag for the first token; -inf where forbidden.
    """

    emissions: Ragged
    transitions: Floats2d
    starts: Floats1d


def CRF(nO: Optional[int] = None) -> Model[Ragged, Potentials]:
    """Build the layer that owns the scores of transitions and starts. It scores nothing by itself: its
    output holds the emissions it was given, and those scores with what BIO forbids masked.

    nO (Optional[int]): The number of tags.
    RETURNS (Model[Ragged, Potentials]): The layer.
    """
    return Model("crf", forward, init=init, dims={"nO": nO}, params={"transitions": None, "starts": None})


def init(model: Model[Ragged, Potentials], X: Optional[Ragged] = None, Y: Optional[Potentials] = None) -> None:
    nO = model.get_dim("nO")
    model.set_param("transitions", model.ops.alloc2f(nO, nO))
    model.set_param("starts", model.ops.alloc1f(nO))


def forward(model: Model[Ragged, Potentials], emissions: Ragged, is_train: bool) -> Tuple[Potentials, Callable]:
    xp, nO = model.ops.xp, model.get_dim("nO")
    transitions = xp.where(xp.asarray(allowed_transitions(nO)), model.get_param("transitions"), -xp.inf)
    starts = xp.where(xp.asarray(allowed_starts(nO)), model.get_param("starts"), -xp.inf)

    def backprop(d: Potentials) -> Ragged:
        model.inc_grad("transitions", d.transitions)
        model.inc_grad("starts", d.starts)
        return d.emissions

    return Potentials(emissions, transitions, starts), backprop
