"""Tests of the way from image files to batches."""
