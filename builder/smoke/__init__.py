"""Smoke tests: whether a layer loads in the image of its runtime."""
