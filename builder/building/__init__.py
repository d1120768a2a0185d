"""The sequences of one layer, from recipe to checked zip, and of one wheel."""
