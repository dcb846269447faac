"""Looking for a secret wherever a process may have left it: files, compressed or not, and answers of services."""

from __future__ import annotations

import base64
import gzip
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def forms_of(secret: str) -> set[bytes]:
    """Give the ways in which a secret may be written: as it is, and in base64 wherever it starts in a longer text."""
    plain = secret.encode()
    forms = {plain}
    for shift in range(3):
        encoded = base64.b64encode(b"x" * shift + plain)
        # The first and last signs depend on the neighbours; what is between them is the secret's own.
        forms.add(encoded[4:-4])
    return forms


def leaks_in_files(folder: Path, secrets: Mapping[str, str]) -> list[str]:
    """Name every file under a folder in which a secret is found, also inside compressed content."""
    found = []
    for path in sorted(item for item in folder.rglob("*") if item.is_file()):
        try:
            whole = path.read_bytes()
        except FileNotFoundError:
            # Services are running beside us, and their databases make and remove files all the time.
            continue
        for content in _unfolded(whole):
            found += [f"{name} in {path.relative_to(folder)}" for name in leaks_in(content, secrets)]
    return found


def leaks_in(content: bytes, secrets: Mapping[str, str]) -> list[str]:
    """Name the secrets that a content holds."""
    return [name for name, secret in secrets.items() if any(form in content for form in forms_of(secret))]


def _unfolded(content: bytes) -> Iterable[bytes]:
    yield content
    for unfold in (gzip.decompress, zlib.decompress):
        try:
            yield unfold(content)
        except (OSError, zlib.error, EOFError):
            continue
