"""Every fault that a run survives, provoked for real; docs/faults.md says which test holds what."""
