"""Tests of tables, figures and the page on synthetic frames."""
