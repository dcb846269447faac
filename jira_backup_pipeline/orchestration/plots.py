"""Small charts for metadata, drawn as SVG text: they need no library and no network to be seen.

What belongs here: drawing numbers. What stays out: which numbers are worth drawing (`restore_metadata`).
"""

import base64
from collections.abc import Sequence
from xml.sax.saxutils import escape

_WIDTH, _ROW_HEIGHT, _LABEL_WIDTH, _FIGURE_WIDTH = 640, 26, 190, 80


def bar_chart(title: str, bars: Sequence[tuple[str, int, str]]) -> str:
    """Draw horizontal bars (label, number, colour) and give them as a Markdown image that holds its own bytes."""
    largest = max((number for _, number, _ in bars), default=0) or 1
    height = _ROW_HEIGHT * (len(bars) + 1)
    rows = [
        _row(position, label, number, colour, largest)
        for position, (label, number, colour) in enumerate(bars, start=1)
    ]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        # The UI may be dark: without a ground of its own the text would vanish.
        f'font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="#ffffff"/><text x="0" y="17" font-weight="bold">{escape(title)}</text>'
        f"{''.join(rows)}</svg>"
    )
    encoded = base64.b64encode(svg.encode()).decode("ascii")
    return f"![{title}](data:image/svg+xml;base64,{encoded})"


def _row(position: int, label: str, number: int, colour: str, largest: int) -> str:
    top = position * _ROW_HEIGHT
    room = _WIDTH - _LABEL_WIDTH - _FIGURE_WIDTH
    # Something that is there at all must be seen, however small its share is.
    width = max(2, round(room * number / largest)) if number else 0
    return (
        f'<text x="0" y="{top + 17}">{escape(label)}</text>'
        f'<rect x="{_LABEL_WIDTH}" y="{top + 5}" width="{width}" height="16" fill="{colour}"/>'
        f'<text x="{_LABEL_WIDTH + width + 6}" y="{top + 17}">{number:,}</text>'
    )
