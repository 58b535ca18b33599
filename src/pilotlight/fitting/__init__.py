"""A person's own data: look, split, train, compare with simple baselines, say how well really."""
