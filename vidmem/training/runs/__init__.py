"""Runs: a task, a network and how it learns, from one config to scores in a folder.

    config (TOML) ── task    gives batches, the loss, and scores
                  ├─ model   a network that fits the facts of the task
                  └─ optimizer, stop, checkpoints ── `train_run` ── folder: metrics, scores

Nothing that is drawn depends on what was drawn before: batches and dropout follow from the seed and
the number of the step. So a run that was killed goes on to the same numbers.
"""
