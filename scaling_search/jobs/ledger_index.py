"""Where the records of a ledger lie in its file.

A ledger of 100 000 lines so opens at once, and takes the memory of its hashes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from scaling_search.jobs.ledger_records import is_failure, is_timing


@dataclass
class LedgerIndex:
    """First byte and length of the record that counts, by its job's hash, in the file's order.

    `timings` are the hashes of timings, `failures` those of trainings that came to no end.
    """

    positions: dict[str, tuple[int, int]] = field(default_factory=dict)
    timings: list[str] = field(default_factory=list)
    failures: set[str] = field(default_factory=set)

    def add(self, key: str, begin: int, record: bytes) -> None:
        """Enter the first record under a hash; a failure gives way to a later one."""
        if key in self.positions and key not in self.failures:
            return
        self.positions[key] = (begin, len(record))
        self.failures.discard(key)
        if is_timing(record):
            self.timings.append(key)
        elif is_failure(record):
            self.failures.add(key)

    def discard_failure(self, key: str) -> None:
        """Take a failure out, as if its job had no record."""
        self.failures.discard(key)
        del self.positions[key]

    def newest_trainings(self) -> Iterator[str]:
        """The hashes of trainings, the newest first."""
        timings = {*self.timings}
        return (key for key in reversed(self.positions) if key not in timings)
