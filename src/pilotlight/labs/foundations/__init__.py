"""Foundations: graphs, optimizers, regularization, depth."""
