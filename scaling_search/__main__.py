"""`python -m scaling_search` is `scaling-search`."""

from scaling_search.cli.main import main

main()
