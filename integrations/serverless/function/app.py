"""Shows that the layer is there."""

import numpy as np


def handler(_event: dict[str, object], _context: object) -> dict[str, object]:
    return {"sum": int(np.arange(10).sum()), "numpy": np.__version__}
