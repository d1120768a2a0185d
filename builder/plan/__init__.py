"""What will be done for a target and why: printable, testable, and the digest of everything that decides the bytes."""
