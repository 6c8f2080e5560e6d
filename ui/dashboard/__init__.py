"""The clinician's dashboard. ``docs/dashboard.md`` says how a page is written."""
