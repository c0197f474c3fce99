"""The networks of `arch` as torch modules."""
