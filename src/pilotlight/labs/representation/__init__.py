"""Representation: what a network learns to see, with labels, without, or for another task."""
