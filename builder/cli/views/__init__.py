"""How results look on a terminal and as JSON: one module for each kind of result."""
