"""Files that are whole or not there, whatever kills the program."""

import os
from collections.abc import Callable
from pathlib import Path


def write_safely(path: Path, write: Callable[[Path], object]) -> None:
    """Have ``write`` fill a new file, and put it in the place of ``path`` only once it is whole and on the disk."""
    new = path.with_name(path.name + ".new")
    write(new)
    with new.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(new, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
