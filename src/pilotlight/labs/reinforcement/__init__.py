"""Reinforcement learning: planning, trying things out, learning values or policies."""
