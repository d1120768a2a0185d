"""`python -m builder` and the `layerwright` command."""

import gc
import os
import sys

_BETWEEN_COLLECTIONS = 10_000
"""New objects: nearly all that a command makes at its start stay, and Python would look at them after each 700."""


def main() -> None:
    gc.set_threshold(_BETWEEN_COLLECTIONS)
    # Else pydantic reads the metadata of every installed package, for plug-ins that would act on our values.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    from builder import cli
    from builder.cli import streams

    streams.prepare()
    cli.heed_termination()
    sys.excepthook = cli.show_bug
    sys.exit(cli.run())


if __name__ == "__main__":
    main()
