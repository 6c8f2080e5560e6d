"""Pieces of the audit page."""
