"""Continual learning: forgetting, replay, elastic weights, masks, task protocols."""
