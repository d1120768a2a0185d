"""The proof that a layer loads: its tests, in the image of its runtime."""
