"""The first compilation in an image pins it: what is built later is built in the same one."""

from builder.base.emitter import Events
from builder.base.errors import UsageError
from builder.engine import client
from builder.model import images
from builder.model.architectures import ARCHITECTURES
from builder.plan.mode import EngineOptions
from builder.plan.plan import Plan


def pin_images(plan: Plan, options: EngineOptions, events: Events) -> bool:
    """Pin the images of a plan that compiles. Returns whether pins were added, so that the plan is out of date.

    An image whose registry does not answer stays as it is, with a warning: the engine may reach it nevertheless.
    Raises UsageError for images that are not pinned, if the options allow no others.
    """
    missing = sorted(_unpinned(plan, options))
    if not missing:
        return False
    if options.frozen_images:
        msg = "images to compile in are not pinned, and --frozen-images allows no others"
        names = [images.named(path) for path in missing]
        raise UsageError(msg, why=names, hint="`layerwright images pin` pins all images")
    from builder.engine import registry

    events.begin("pinning", ", ".join(missing))
    digests, errors = registry.digests(missing)
    for error in errors:
        events.warn(f"not pinned, so a later build may differ: {error.brief}")
    if not digests:
        return False
    images.pin(digests)
    events.note(f"pinned {len(digests)} images in {images.pins_file()}, which belongs beside the recipes")
    return True


def _unpinned(plan: Plan, options: EngineOptions) -> set[str]:
    """Return the paths of a plan's images without a digest: to compile in, its toolchain's, and to test in."""
    if plan.container is None:
        return set()
    target, pinned = plan.target, images.pinned().keys()
    missing = set(target.base.images(target.arch).values()) - pinned
    elsewhere = {arch: target.base.images(arch)["build"] for arch in ARCHITECTURES.values()}
    if pinned >= set(elsewhere.values()):  # the engine, which takes a while to ask, may have any architecture
        return missing
    engine = client.present(options.kind, options.builder)  # what is compiled already needs none
    return missing | ({elsewhere[engine.architecture]} - pinned if engine else set())
