"""Ruby gems, from RubyGems' compact index; no Ruby is needed on the host."""
