"""Labs on sequences: recurrence, memory, attention."""
