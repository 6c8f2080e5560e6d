"""Runs in vLLM's own environment, where nothing of this project is installed: standard library only."""
