"""`python -m builder` and the `layerwright` command."""

import sys


def main() -> None:
    from builder.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
