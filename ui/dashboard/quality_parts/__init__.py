"""Pieces of the quality page."""
