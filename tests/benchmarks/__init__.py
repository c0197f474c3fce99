"""The benchmarks' own parts; their claims are not checked here: those need a quiet machine."""
