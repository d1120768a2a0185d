"""What every room stands on: errors, files, locks, caches, processes, downloads. Knows nothing of layers."""
