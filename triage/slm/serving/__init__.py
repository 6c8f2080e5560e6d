"""Serving the triage model through vLLM: the folder it loads, its environment, its process."""
