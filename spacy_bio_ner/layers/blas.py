"""Which BLAS multiplies matrices on a CPU."""

from thinc.api import Model, NumpyOps

_OPS = NumpyOps(use_blis=False)


def use_numpy_blas(model: Model) -> Model:
    """Have a model's layers multiply with NumPy's own BLAS, which is several times as fast as thinc's default, BLIS, on
    CPUs with AVX-512. Layers on other ops, such as those of a GPU, are left as they are.

    model (Model): The model.
    RETURNS (Model): The same.
    """
    for node in model.walk():
        if type(node.ops) is NumpyOps:
            node.ops = _OPS
    return model
