"""Generative: networks that make samples like those of the data."""
