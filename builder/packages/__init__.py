"""Package ecosystems, one folder each: what exists for a target, and its files. No code of a package runs here."""
