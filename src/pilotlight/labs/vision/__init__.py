"""Vision: networks that look at pictures."""
