"""What people touch: the command line now, the dashboard beside it."""
