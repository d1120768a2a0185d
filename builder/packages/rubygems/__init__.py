"""Ruby gems, from the compact index of RubyGems. No Ruby is needed on the host."""

LOCK = "Gemfile.lock"
