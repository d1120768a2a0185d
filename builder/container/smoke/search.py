"""Makes modules be found as by Lambda's bootstrap.py: code, then layers, whose .pth files act, then the runtime.

Stands before a test.
"""

import os
import site
import sys

series = f"python{sys.version_info[0]}.{sys.version_info[1]}"
layers = [f"/opt/python/lib/{series}/site-packages", "/opt/python"]
first = ["/var/task", *layers, f"/var/lang/lib/{series}/site-packages", "/var/runtime"]
sys.path[:] = first + [folder for folder in sys.path if folder and folder not in first]
for folder in ("/var/task", *layers):
    site.addsitedir(folder)
os.environ.setdefault("PYTHONPATH", "/var/runtime")
