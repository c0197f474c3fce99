"""The latency profiler: randomised blocks in fresh processes, always beside an anchor network."""
