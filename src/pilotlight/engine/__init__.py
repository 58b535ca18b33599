"""Plan members into cohorts, train them together, yield what happens."""
