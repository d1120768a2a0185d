"""What happens to zips at AWS: versions, permissions, regions, templates. Builds nothing."""
