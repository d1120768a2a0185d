"""Imports each module, and tells the time that it took, and which of them cannot be imported."""

import importlib
import sys
import time
import traceback

started, failed = time.perf_counter(), []
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except BaseException:  # noqa: BLE001  sys.exit in a module is a failure, too
        failed.append(name)
        traceback.print_exc()
print("layerwright-import-ms=%.1f" % ((time.perf_counter() - started) * 1000), file=sys.stderr)
if failed:
    sys.exit("cannot be imported: " + " ".join(failed))
