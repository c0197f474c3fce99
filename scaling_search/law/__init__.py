"""How error falls with size, as a law: fitted, checked, and followed no further than it holds."""
