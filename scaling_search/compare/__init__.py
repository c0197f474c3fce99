"""The family, its single-axis rivals at equal cost, and what can be said about the difference."""
