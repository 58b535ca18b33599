"""`python -m benchmarks [compare | own-data | sampler | planner | memory] [--device cuda]`."""

from __future__ import annotations

import os

# Before torch and jax are imported, which read these once.
os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
)

from benchmarks.main import main

if __name__ == "__main__":
    main()
