"""The plan of a target: a printable value, with a digest of everything that decides the bytes of the zip."""
