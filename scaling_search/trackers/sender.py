"""A tracker behind a thread: no training waits for it, whatever it does or raises."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

from scaling_search.trackers.tracker import Tracker

Message = Callable[[Tracker], None]
CLOSE_SECONDS = 30.0


class Sender:
    """Passes messages to a tracker in their order, until one of them fails."""

    def __init__(self, name: str, tracker: Tracker) -> None:
        self.name, self.where = name, tracker.where
        self.trouble = ""
        self._tracker = tracker
        self._messages: SimpleQueue[Message | None] = SimpleQueue()
        self._thread = Thread(target=self._send, name=f"to {name}", daemon=True)
        self._thread.start()

    def put(self, message: Message) -> None:
        """Send this after all before it."""
        self._messages.put(message)

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Send the rest and close the tracker, for so many seconds at most."""
        self._messages.put(None)
        self._thread.join(seconds)
        if self._thread.is_alive():
            self.trouble = f"not all had been sent {seconds:g} s after the end"

    def _send(self) -> None:
        try:
            while (message := self._messages.get()) is not None:
                message(self._tracker)
            self._tracker.close()
        except Exception as error:  # noqa: BLE001 (a tracker's trouble is no training's)
            self.trouble = error_line(error)


def error_line(error: Exception) -> str:
    """An error of a tracker as one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
