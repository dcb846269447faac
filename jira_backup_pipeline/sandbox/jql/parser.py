"""Text of a query to a tree: clauses joined by and, or, not, with an order at the end.

What belongs here: tokens, quoting, precedence, the nodes of the tree, and syntax errors as Jira words them.

What stays out: what a field, function or value means (``matching``, ``dates``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

from jira_backup_pipeline.sandbox.http import ApiError


@dataclass(frozen=True, slots=True)
class Function:
    """A function call as a value, such as ``currentUser()``."""

    name: str
    arguments: tuple[str, ...]


Operand: TypeAlias = str | Function


@dataclass(frozen=True, slots=True)
class Clause:
    """``field operator values``; the operators are lower case, ``is empty`` has no values."""

    field: str
    operator: str
    values: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Both:
    """All of the parts hold."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of the parts holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """The part does not hold."""

    part: Node


Node: TypeAlias = Clause | Both | Either | Negated


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One field of the order."""

    field: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query; ``where`` None means there is no restriction."""

    where: Node | None
    order: tuple[OrderTerm, ...]


_TOKEN = re.compile(
    r"""\s*(?:
        (?P<quoted>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      | (?P<operator>!=|!~|>=|<=|=|~|>|<|\(|\)|,|!)
      | (?P<both>&&|\|\||&|\|)
      | (?P<word>cf\[\d+\]|[^\s"'=!~<>(),&|]+)
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    quoted: bool = False

    def is_word(self, *words: str) -> bool:
        return not self.quoted and self.text.lower() in words


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise ApiError(400, f"Error in the JQL Query: unexpected character at position {at + 1}.")
        if match["quoted"]:
            inner = match["quoted"][1:-1]
            found.append(_Token(re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), inner), quoted=True))
        elif match["both"]:
            found.append(_Token("and" if match["both"][0] == "&" else "or"))
        else:
            found.append(_Token(match["operator"] or match["word"]))
        at = match.end()
    return found


@dataclass(slots=True)
class _Reader:
    tokens: list[_Token]
    at: int = 0
    depth: int = field(default=0)

    def peek(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self) -> _Token:
        token = self.peek()
        if token is None:
            raise ApiError(400, "Error in the JQL Query: the query ended before it was complete.")
        self.at += 1
        return token

    def next_is(self, *words: str) -> bool:
        token = self.peek()
        return token is not None and token.is_word(*words)

    def expect(self, text: str) -> None:
        token = self.take()
        if token.quoted or token.text.lower() != text:
            raise ApiError(400, f"Error in the JQL Query: expecting '{text}' but got '{token.text}'.")

    def either(self) -> Node:
        parts = [self.both()]
        while self.next_is("or"):
            self.take()
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def both(self) -> Node:
        parts = [self.negated()]
        while self.next_is("and"):
            self.take()
            parts.append(self.negated())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def negated(self) -> Node:
        if self.next_is("not", "!"):
            self.take()
            return Negated(self.negated())
        if self.next_is("("):
            self.depth += 1
            if self.depth > 100:
                raise ApiError(400, "Error in the JQL Query: too many nested parentheses.")
            self.take()
            inner = self.either()
            self.expect(")")
            self.depth -= 1
            return inner
        return self.clause()

    def clause(self) -> Clause:
        name = self.take().text
        token = self.take()
        operator = token.text.lower()
        if operator == "not":
            self.expect("in")
            operator = "not in"
        elif operator == "is":
            if self.next_is("not"):
                self.take()
                operator = "is not"
            word = self.take()
            if not word.is_word("empty", "null"):
                raise ApiError(400, f"Error in the JQL Query: the operator '{operator}' takes EMPTY only.")
            return Clause(name, operator, ())
        if operator in {"in", "not in"}:
            return Clause(name, operator, self.value_list())
        if operator not in {"=", "!=", "~", "!~", ">", ">=", "<", "<="}:
            raise ApiError(400, f"Error in the JQL Query: expecting operator but got '{token.text}'.")
        return Clause(name, operator, (self.operand(),))

    def value_list(self) -> tuple[Operand, ...]:
        if not self.next_is("("):
            return (self.operand(),)
        self.take()
        values = [self.operand()]
        while self.next_is(","):
            self.take()
            values.append(self.operand())
        self.expect(")")
        return tuple(values)

    def operand(self) -> Operand:
        token = self.take()
        if not token.quoted and token.text in {"(", ")", ",", "=", "!=", "~", "!~", ">", "<", ">=", "<="}:
            raise ApiError(400, f"Error in the JQL Query: expecting a value but got '{token.text}'.")
        if not token.quoted and self.next_is("("):
            self.take()
            arguments: list[str] = []
            while not self.next_is(")"):
                arguments.append(self.take().text)
                if self.next_is(","):
                    self.take()
            self.expect(")")
            return Function(token.text.lower(), tuple(arguments))
        return token.text

    def order(self) -> tuple[OrderTerm, ...]:
        self.expect("order")
        self.expect("by")
        terms: list[OrderTerm] = []
        while True:
            name = self.take().text
            descending = self.next_is("desc")
            if self.next_is("asc", "desc"):
                self.take()
            terms.append(OrderTerm(name, descending))
            if not self.next_is(","):
                break
            self.take()
        if len(terms) > 7:
            raise ApiError(400, "The maximum number of order by fields is 7.")
        return tuple(terms)


def parse(text: str) -> Query:
    """The tree of a query; a syntax error is a 400 with Jira's ``errorMessages``."""
    reader = _Reader(_tokens(text))
    where = None if reader.peek() is None or reader.next_is("order") else reader.either()
    order = reader.order() if reader.next_is("order") else ()
    rest = reader.peek()
    if rest is not None:
        raise ApiError(400, f"Error in the JQL Query: expecting either 'OR' or 'AND' but got '{rest.text}'.")
    return Query(where, order)
