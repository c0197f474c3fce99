"""The errors that a user can mend: one line with the rule, the value and the way out."""

from __future__ import annotations


class UserError(ValueError):
    """A request that can't be met; its text is the one line that the command line prints.

    The command line turns it into exit code 2 without a traceback; a notebook shows the line alone.
    """

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return [f"{type(self).__name__}: {self}"]


def require(condition: bool, rule: str, value: object, hint: str = "") -> None:
    """Raise `UserError("rule, got value: way out")` unless the condition holds."""
    if not condition:
        raise UserError(f"{rule}, got {value!r}" + (f": {hint}" if hint else ""))
