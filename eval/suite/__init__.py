"""One evaluation from beginning to end: which cases, which models, which variants; and everything that was found."""
