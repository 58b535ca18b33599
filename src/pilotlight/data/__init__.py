"""Data: bundled tables, split rules, the order of batches, named generators."""
