"""Locks of the tools of Node.js, one module each; all return the graph of one project."""
