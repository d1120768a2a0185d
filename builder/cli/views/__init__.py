"""Views of results, one module each."""
