"""Locks of other tools, one module each: lines of requirements with the hashes of the lock.

Each has `lines(lock, request, choice)`, which raises UsageError for what cannot be followed exactly.
"""
