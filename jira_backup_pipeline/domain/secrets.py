"""Secrets that cannot be shown by accident.

What belongs here: `Secret`, the one type in which tokens, keys and passphrases travel, and `redacted`, which takes known
secrets out of text that is about to be shown.

What stays out: where secrets come from (`settings`, `vault`) and what they open (the adapters that call `reveal`).
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final, NoReturn, final

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK: Final = "[secret]"
# Shorter texts occur in ordinary words: replacing them would garble logs and hide nothing.
_SHORTEST_REDACTED = 6


@final
class Secret:
    """A text that every way of printing shows as a mask; only `reveal` gives it out, as late as possible.

    Not a dataclass and not a `str`: printers that look inside values (rich, pprint, json) find nothing to look into.
    It does not pickle, so it cannot slip into a run's stored state.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Give the text itself; call it in the argument list of what needs it, never keep it in a variable."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return format(MASK, format_spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(
            self._value.encode("utf-8", "surrogatepass"), other._value.encode("utf-8", "surrogatepass")
        )

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        message = "a secret is not pickled: hand over its name and read it where it is used"
        raise TypeError(message)


def redacted(text: str, secrets: Iterable[Secret]) -> str:
    """Replace every known secret in a text by a mask; the last guard before text leaves the process."""
    for secret in sorted(secrets, key=lambda item: len(item.reveal()), reverse=True):
        if len(secret.reveal()) >= _SHORTEST_REDACTED:
            text = text.replace(secret.reveal(), MASK)
    return text
