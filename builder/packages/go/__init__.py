"""Programs in Go: modules by their hashes in go.sum, compiled in a container without network."""

MOD, SUM = "go.mod", "go.sum"
PURL_TYPE = "golang"
"""The type of package URLs of Go modules (https://github.com/package-url/purl-spec)."""
