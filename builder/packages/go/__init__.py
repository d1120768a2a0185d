"""Programs in Go: modules by their hashes in go.sum, compiled in a container without network."""
