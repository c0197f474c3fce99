"""The command line: a verb is one library call, its result a table, or JSON for machines."""
