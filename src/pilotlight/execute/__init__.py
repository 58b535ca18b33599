"""Where work runs: in worker processes beside this one. Knows nothing of labs or training."""
