"""Libraries that prebuilt packages need, and that packages of the system bring which the recipe names."""

from builder.base.emitter import Events
from builder.layer import checks
from builder.layer.tree import Tree
from builder.model.steps import Packages
from builder.model.target import Target, steps
from builder.plan.plan import Plan


def sonames(content: Tree, target: Target) -> tuple[str, ...]:
    """Return the sonames that files of a layer need and neither the layer nor the runtime has, sorted."""
    subject = checks.examine(content, target.runtimes, target.architectures, packages=(), own=True)
    needs = ((path, elf, soname) for path, elf in subject.fitting() for soname in elf.needed)
    return tuple(sorted({soname for path, elf, soname in needs if subject.linker.find(path, elf, soname) is None}))


def tell_unused(plan: Plan, events: Events) -> None:
    """Tell that packages of the system play no part: nothing is compiled, and no library is lacked."""
    named = {name for _, step in steps(plan.recipe, plan.target) if isinstance(step, Packages) for name in step.install}
    listed = ", ".join(f"`{name}`" for name in sorted(named))
    events.warn(f"nothing uses {listed}: nothing is compiled, and what is prebuilt lacks no library")
