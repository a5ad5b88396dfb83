"""What reports say beyond a task's own score: calibration, confusion, comparisons of systems, correlations."""
