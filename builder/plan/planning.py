"""Planning of one zip: all decisions, before anything is built."""

from builder.model.recipes import Loaded
from builder.model.target import Target
from builder.plan.decide import decide
from builder.plan.plan import Plan
from builder.plan.resolve import resolve


def plan(loaded: Loaded, target: Target, *, wheels_only: bool = False) -> Plan:
    """Return the plan of one zip; needs no engine. With `wheels_only`, packages that must be compiled are an error."""
    return decide(resolve(loaded, target, may_compile=not wheels_only))
