"""Networks as values: what they are, how they scale, and the layers they expand to."""
