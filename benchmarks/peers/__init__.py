"""Training loops of others, and ours, over the same network and the same pixels."""
