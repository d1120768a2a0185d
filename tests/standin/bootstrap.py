"""Starts a handler as Lambda's own bootstrap.py does: code first, then layers, whose .pth files act.

A function that sets PYTHONPATH gets none of the folders of layers.
"""

import os
import site
import sys

TASK, RUNTIME = os.environ["LAMBDA_TASK_ROOT"], os.environ["LAMBDA_RUNTIME_DIR"]
LAYERS = [f"/opt/python/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages", "/opt/python"]
if "PYTHONPATH" in os.environ:
    LAYERS = []
FIRST = [TASK, *LAYERS, f"/var/lang/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"]
sys.path[:] = [*FIRST, *(folder for folder in sys.path if folder not in FIRST)]
for folder in (TASK, *LAYERS):
    site.addsitedir(folder)
os.environ.setdefault("PYTHONPATH", RUNTIME)

from awslambdaric.__main__ import main  # type: ignore[import-not-found]  # noqa: E402

main([sys.argv[0], os.environ["_HANDLER"]])
