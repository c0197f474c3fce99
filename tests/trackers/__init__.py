"""Tests of what trackers are told, read back from what they write."""
