"""A check of a run directory: what is amiss, and what the next run does about it."""
