"""Jobs as frozen values, the ledger that keeps their results, and where they run."""
