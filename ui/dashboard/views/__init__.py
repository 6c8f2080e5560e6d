"""The pages. A module here with ``PAGE`` and ``render(here)`` is a page; nothing else has to be told of it.

The folder is not called ``pages``: Streamlit would run the modules of a folder of that name as scripts of its own, past
the sign-in.
"""

import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module

from ui.dashboard.here import Here, Page

__all__ = ["all_pages"]


@cache
def all_pages() -> tuple[tuple[Page, Callable[[Here], None]], ...]:
    """Every page with the function that draws it, in the order of the navigation."""
    found = []
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_") and not module.ispkg:
            page = import_module(f"{__name__}.{module.name}")
            found.append((page.PAGE, page.render))
    return tuple(sorted(found, key=lambda item: item[0].order))
