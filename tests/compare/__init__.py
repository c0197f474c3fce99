"""Tests of what seeds can and can't tell."""
