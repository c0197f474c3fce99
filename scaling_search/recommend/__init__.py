"""Which network to use, from what a run comparison."""
