"""Tests of jobs, the ledger, and where jobs run."""
