"""`python -m builder` and the `layerwright` command."""

import gc
import os
import sys

_BETWEEN_COLLECTIONS = 50_000
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
    code = cli.run()
    gc.freeze()  # nothing that is left is searched for cycles: its memory goes with the process
    sys.exit(code)


if __name__ == "__main__":
    main()
