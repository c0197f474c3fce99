"""The parts of `gpu_check.py`: each says of one GPU what must hold there, and what is seen."""
