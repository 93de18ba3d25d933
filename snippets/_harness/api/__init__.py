"""The API table: TensorFlow to PyTorch and back, every row checked by running both sides.

inputs       what ``float[n,4]`` means, and the arrays made from it
expressions  what rows may say, which names they use, and mutants of them
rows         the files in snippets/_api as typed objects, and what is wrong with them
sides        the two frameworks behind one face
pairs        how each kind of row runs: functions, layers, optimisers, schedules
check        one row: ordinary inputs, gradients, edges, cases
signatures   how the arguments of two functions compare
names        what the packages offer, and what accounts for each name
verify       all rows, in processes of their own; evidence
"""
