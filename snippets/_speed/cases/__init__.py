"""All cases, in the order in which they run.

case       what a case is
ops        the cost of an operation where there is nothing to compute
linear     products of matrices, convolutions
pointwise  many operations on every element; many small ones against few large
training   steps of four networks
fresh      first calls, memory and imports: a new process for every value
pipelines  input pipelines
serving    one request, in every form to deploy a network in
"""

from . import fresh, linear, ops, pipelines, pointwise, serving, training
from .case import Case

_MODULES = (ops, linear, pointwise, training, pipelines, serving, fresh)
CASES: dict[str, Case] = {case.name: case for module in _MODULES for case in module.CASES}
