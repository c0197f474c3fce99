"""Which networks to train, in which order, and what follows from what they showed."""
