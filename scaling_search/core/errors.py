"""How work ends: by what a user can mend, said in one line, or because it must make room."""

from __future__ import annotations


class UserError(ValueError):
    """A request that can't be met; its text is the one line that the command line prints.

    The command line turns it into exit code 2 without a traceback; a notebook shows the line alone.

    Examples:
        >>> from scaling_search import UserError
        >>> from scaling_search.arch import zoo
        >>> try:
        ...     zoo.get("efficientnet-b9")
        ... except UserError as error:
        ...     print(str(error).partition(" known")[0])
        unknown network 'efficientnet-b9': did you mean efficientnet-b7?
    """

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class StoppedError(RuntimeError):
    """Training was asked to stop; its checkpoint is written."""


class LostPeerError(RuntimeError):
    """Another process of a training has ended."""


def require(condition: bool, rule: str, value: object, hint: str = "") -> None:
    """Raise `UserError("rule, got value: way out")` unless the condition holds.

    Examples:
        >>> from scaling_search.core.errors import require
        >>> require(0 < 1.2 < 0.5, "tolerance must lie in (0, 0.5)", 1.2, "try 0.05")
        Traceback (most recent call last):
            ...
        scaling_search.core.errors.UserError: tolerance must lie in (0, 0.5), got 1.2: try 0.05
    """
    if not condition:
        raise UserError(f"{rule}, got {value!r}" + (f": {hint}" if hint else ""))
