"""Measurements side by side with peers, ratios in one run: `make bench`. No part of the package."""
