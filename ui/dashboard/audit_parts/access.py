"""Who may see and do what, from the table that the service asks."""

from ui.dashboard.auth import PERMISSIONS, Permission, Role
from ui.dashboard.look import Safe, table, tag
from ui.dashboard.strings import text


def access() -> Safe:
    """Permissions by role."""
    columns = [text("audit.may"), *(text(f"role.{role}") for role in Role)]
    rows = [
        [text(f"audit.permission.{permission}"), *(_mark(permission in PERMISSIONS[role]) for role in Role)]
        for permission in Permission
    ]
    return table(text("audit.access-caption"), columns, rows)


def _mark(may: bool) -> Safe:
    return tag("span", text("audit.yes") if may else text("audit.no"), cls="ed-yes" if may else "ed-soft")
