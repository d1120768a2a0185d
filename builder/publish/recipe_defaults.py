"""What holds for recipes that say nothing under [publish]: the settings of the project."""

from builder.model import defaults
from builder.model.recipe import Publish


def regions_of(publish: Publish) -> tuple[str, ...]:
    """Return the regions of a recipe; those of the project for one that names none."""
    return publish.regions or defaults.current().regions


def share_of(publish: Publish) -> tuple[str, ...] | None:
    """Return the grants of a recipe; those of the project for one that has none. None if neither has."""
    return publish.share if publish.share is not None else defaults.current().share
