"""The API key that a server asks for: made once, kept in a file that only its owner reads."""

import os
import secrets
import stat
from pathlib import Path

from triage.slm.serving.errors import ServeError


def ensure_key(path: Path) -> str:
    """The key in the file; made (256 random bits, mode 0600) where there is none.

    Raises:
        ServeError: others may read the file, or it holds no key.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return ensure_key(path)
    key = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(key + "\n")
    return key


def _read(path: Path) -> str:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ServeError(f"{path} can be read by others: `chmod 600 {path}`, or delete it for a new key")
    key = path.read_text("utf-8").strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ServeError(f"{path} holds no key of one word: delete it, and a new one is made")
    return key
