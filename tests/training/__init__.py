"""Tests of recipes, the training loop and its checkpoints."""
