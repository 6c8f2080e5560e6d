"""The parts of the page for a new arrival."""
