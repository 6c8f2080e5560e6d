"""Where a session comes from: whether from this machine, and from which browser."""

import hashlib

import streamlit as st
from streamlit.web.server.starlette.starlette_app_utils import decode_xsrf_token_string

from ui.dashboard.auth.addresses import asked_from_here


def from_here() -> bool:
    """Whether somebody sits at this machine, as far as it can be told. Asked at every run in local mode."""
    # Streamlit gives None for this machine's address. AppTest gives something that is no address.
    return not isinstance(st.context.ip_address, str) and asked_from_here(st.context.headers)


def browser() -> str | None:
    """A digest that tells this browser from others, also after signing out; None where there is none.

    Streamlit's cookie against request forgery stays; its text is masked anew each time, so it is unmasked first.
    """
    cookie = st.context.cookies.get("_streamlit_xsrf")
    token, _ = decode_xsrf_token_string(cookie if isinstance(cookie, str) else "")
    return None if token is None else hashlib.sha256(token).hexdigest()
