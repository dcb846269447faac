"""Text that behaves like real prose: thousands of words under a Zipf law, in sentences.

What belongs here: words to paragraphs. What matters is that it compresses like prose, which repeated stock
sentences do not.

What stays out: anything but plain text (``documents``).
"""

from __future__ import annotations

import random
from functools import cache
from itertools import accumulate

COMMON = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "is",
    "that",
    "for",
    "it",
    "as",
    "was",
    "with",
    "be",
    "by",
    "on",
    "not",
    "this",
    "are",
    "at",
    "from",
    "or",
    "have",
    "an",
    "they",
    "which",
    "one",
    "you",
    "were",
    "all",
    "her",
    "there",
    "been",
    "if",
    "more",
    "when",
    "will",
    "would",
    "who",
    "so",
    "no",
    "out",
    "up",
    "into",
    "than",
    "them",
    "can",
    "only",
    "other",
    "time",
    "new",
    "some",
    "could",
    "these",
    "two",
    "may",
    "then",
    "do",
    "first",
    "any",
    "my",
    "now",
    "such",
    "like",
    "our",
    "over",
    "even",
    "most",
    "after",
    "also",
    "made",
    "did",
    "many",
    "before",
    "must",
    "through",
    "where",
    "much",
    "should",
    "well",
    "back",
    "still",
    "own",
    "see",
    "because",
    "how",
    "work",
    "each",
    "both",
    "between",
    "under",
    "same",
    "never",
    "page",
    "user",
    "issue",
    "error",
    "server",
    "request",
    "response",
    "build",
    "release",
    "test",
    "change",
    "value",
    "field",
    "button",
    "screen",
    "login",
    "token",
    "report",
    "export",
    "import",
    "project",
    "team",
    "service",
    "database",
    "query",
    "table",
    "column",
    "index",
    "cache",
    "memory",
    "thread",
    "timeout",
    "retry",
    "network",
    "version",
    "update",
    "delete",
    "create",
    "customer",
    "order",
    "invoice",
    "payment",
    "email",
    "message",
    "notification",
    "setting",
    "permission",
    "role",
    "group",
    "filter",
    "board",
    "sprint",
]
_ONSETS = [
    "b",
    "bl",
    "br",
    "c",
    "ch",
    "cl",
    "cr",
    "d",
    "dr",
    "f",
    "fl",
    "fr",
    "g",
    "gl",
    "gr",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "pr",
    "qu",
    "r",
    "s",
    "sc",
    "sh",
    "sl",
    "sp",
    "st",
    "str",
    "t",
    "th",
    "tr",
    "v",
    "w",
    "z",
]
_VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "ee", "ie", "io", "oa", "ou"]
_CODAS = [
    "",
    "",
    "",
    "b",
    "ck",
    "d",
    "l",
    "ll",
    "m",
    "n",
    "nd",
    "ng",
    "nt",
    "p",
    "r",
    "rd",
    "rm",
    "s",
    "ss",
    "st",
    "t",
    "x",
]
_ENDINGS = ["", "", "", "ed", "er", "ing", "ion", "ly", "ment", "ness", "s", "al", "able"]
VOCABULARY = 6_000


@cache
def _words() -> tuple[list[str], list[float]]:
    source = random.Random("vocabulary")
    words = dict.fromkeys(COMMON)
    while len(words) < VOCABULARY:
        stem = "".join(
            source.choice(_ONSETS) + source.choice(_VOWELS) + source.choice(_CODAS)
            for _ in range(source.randint(1, 2))
        )
        words[stem + source.choice(_ENDINGS)] = None
    weights = [1.0 / (rank + 2.7) for rank in range(1, len(words) + 1)]
    return list(words), list(accumulate(weights))


def words(source: random.Random, count: int) -> list[str]:
    """Some words, common ones more often."""
    vocabulary, cumulative = _words()
    return source.choices(vocabulary, cum_weights=cumulative, k=count)


def phrase(source: random.Random, shortest: int, longest: int) -> str:
    """A few words beginning with a capital, without a full stop: a title."""
    text = " ".join(words(source, source.randint(shortest, longest)))
    return text[0].upper() + text[1:]


def sentence(source: random.Random) -> str:
    """One sentence."""
    chosen = words(source, source.randint(5, 16))
    if len(chosen) > 9 and source.random() < 0.5:
        chosen[len(chosen) // 2] += ","
    text = " ".join(chosen)
    return text[0].upper() + text[1:] + ("." if source.random() < 0.92 else "?")


def paragraph(source: random.Random, shortest: int = 1, longest: int = 4) -> str:
    """Some sentences."""
    return " ".join(sentence(source) for _ in range(source.randint(shortest, longest)))
