"""A study from beginning to end: what it asks, what is missing, what it found."""
