"""Who is signed in, and what they may do."""

from ui.dashboard.auth.claims import SignInRefusedError, actor_of
from ui.dashboard.auth.roles import PERMISSIONS, Actor, Permission, Role

__all__ = ["PERMISSIONS", "Actor", "Permission", "Role", "SignInRefusedError", "actor_of"]
