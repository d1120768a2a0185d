"""A world for each ecosystem: an index on loopback, tiny packages, and what its recipes and locks look like.

The contract test runs the same cases in each of them. A new ecosystem adds a module here, and its class to `all.py`.
"""
