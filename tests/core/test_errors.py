"""What a user can mend is one line, wherever it is shown."""

from __future__ import annotations

import pytest

from scaling_search.core.errors import UserError, require


def test_the_line_holds_the_rule_the_value_and_the_way_out() -> None:
    with pytest.raises(UserError, match=r"^phi must be finite, got nan: leave it out$"):
        require(False, "phi must be finite", float("nan"), "leave it out")


def test_a_notebook_shows_the_line_alone() -> None:
    error = UserError("phi must be finite, got nan")
    assert error._render_traceback_() == ["UserError: phi must be finite, got nan"]
