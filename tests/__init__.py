"""Tests of vidmem and its app.

This comes before NumPy: its threads would wait for each other in loops, and several processes of
tests share the processors. Teaching in tests takes twice as long with them.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
