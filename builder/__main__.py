"""`python -m builder` and the `layerwright` command."""

import sys


def main() -> None:
    from builder import cli

    cli.heed_termination()
    sys.excepthook = cli.show_bug
    sys.exit(cli.run())


if __name__ == "__main__":
    main()
