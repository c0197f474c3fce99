"""Tests of the check of a run directory."""
