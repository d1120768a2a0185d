"""Every world, by the name of its ecosystem."""

from kit.worlds.cargo import Cargo
from kit.worlds.golang import Golang
from kit.worlds.maven import Maven
from kit.worlds.npm import Npm
from kit.worlds.pypi import PyPI
from kit.worlds.rubygems import RubyGems
from kit.worlds.world import World

WORLDS: dict[str, type[World]] = {world.ecosystem: world for world in (PyPI, Npm, RubyGems, Maven, Cargo, Golang)}
