"""Commands that write into a repository of recipes: new, lock, split, update, pins, catalogue."""
