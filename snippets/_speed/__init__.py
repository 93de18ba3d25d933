"""How fast both frameworks are: one computation at a time, in turns, checked equal before.

``python -m snippets._speed`` measures; ``python -m snippets._speed report FILE`` prints.

cases     what is measured: the same computation written for TensorFlow and for PyTorch
networks  the networks of the cases, and their weights, which both sides begin with
sides     a framework as a worker needs it: threads, device, results as numbers
worker    a process with one framework, which runs a case when told
talk      the parent's end of it: start a worker, ask, wait for the answer
run       rounds in which all modes of a case take turns
results   the file of results, what ratio two modes have, and when that says anything
report    the results as a table
figures   the results as the page shows them
"""
