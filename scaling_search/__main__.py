"""`python -m scaling_search` is `scaling-search`."""

import sys

if not sys.flags.safe_path:
    # `-m` put the working directory first: a queue.py there must not stand in for Python's own.
    sys.path.append(sys.path.pop(0))

from scaling_search.cli.main import main

main()
