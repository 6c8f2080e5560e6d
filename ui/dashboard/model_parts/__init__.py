"""Pieces of the model page."""
