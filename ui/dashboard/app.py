"""The script that Streamlit runs, once for every full run of a session. ``triage ui`` starts it."""

from ui.dashboard.shell import run

run()
