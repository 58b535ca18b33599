"""The run folder: journal, checkpoint, weights, history and result of one run; the list of runs.

`folder` is the door, `query` lists runs. `journal`, `lock`, `atomic` and `pack` serve the folder.
"""
