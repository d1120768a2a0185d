"""The build backends whose wheels are worked out from files, one module each.

Each has `wheel(document, tree)`, which returns what the backend would write, or raises UnknownError with the reason.
"""
