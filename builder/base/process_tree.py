"""A program with all that it starts, which end as one."""

import subprocess
import sys


class ProcessTree:
    """A process that is ended by a signal, which it can hand on to what it started."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def terminate(self) -> None:
        """End the program. Does nothing if it has ended."""
        self.process.terminate()

    def release(self) -> None:
        """Leave alone what the program left running, as a client may do with the daemon of a credential store."""


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _KILL_ON_CLOSE = 0x2000
    """JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE"""
    _EXTENDED = 9
    """JobObjectExtendedLimitInformation"""

    class _BasicJobLimits(ctypes.Structure):
        """JOBOBJECT_BASIC_LIMIT_INFORMATION."""

        _fields_ = (
            ("PerProcessUserTimeLimit", wintypes.LARGE_INTEGER),
            ("PerJobUserTimeLimit", wintypes.LARGE_INTEGER),
            ("LimitFlags", wintypes.DWORD),
            ("MinimumWorkingSetSize", ctypes.c_size_t),
            ("MaximumWorkingSetSize", ctypes.c_size_t),
            ("ActiveProcessLimit", wintypes.DWORD),
            ("Affinity", ctypes.c_size_t),
            ("PriorityClass", wintypes.DWORD),
            ("SchedulingClass", wintypes.DWORD),
        )

    class _JobLimits(ctypes.Structure):
        """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

        _fields_ = (
            ("BasicLimitInformation", _BasicJobLimits),
            ("IoInfo", ctypes.c_ulonglong * 6),
            ("ProcessMemoryLimit", ctypes.c_size_t),
            ("JobMemoryLimit", ctypes.c_size_t),
            ("PeakProcessMemoryUsed", ctypes.c_size_t),
            ("PeakJobMemoryUsed", ctypes.c_size_t),
        )

    _kernel = ctypes.WinDLL("kernel32")
    _kernel.CreateJobObjectW.restype = wintypes.HANDLE
    _kernel.CreateJobObjectW.argtypes = (ctypes.c_void_p, wintypes.LPCWSTR)
    _kernel.SetInformationJobObject.argtypes = (wintypes.HANDLE, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD)
    _kernel.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
    _kernel.TerminateJobObject.argtypes = (wintypes.HANDLE, wintypes.UINT)
    _kernel.CloseHandle.argtypes = (wintypes.HANDLE,)

    class _JobObject(ProcessTree):
        """A job object. TerminateProcess ends one process alone: docker's plug-in would go on, and hold its pipes.

        When layerwright itself is killed, the system closes the job, and so ends all that it has.
        """

        def __init__(self, process: subprocess.Popen[bytes]) -> None:
            super().__init__(process)
            self._job = _kernel.CreateJobObjectW(None, None)
            self._limit(_KILL_ON_CLOSE)
            _kernel.AssignProcessToJobObject(self._job, int(process._handle))  # noqa: SLF001  there is no other way

        def _limit(self, flags: int) -> None:
            limits = _JobLimits()
            limits.BasicLimitInformation.LimitFlags = flags
            _kernel.SetInformationJobObject(self._job, _EXTENDED, ctypes.byref(limits), ctypes.sizeof(limits))

        def terminate(self) -> None:
            super().terminate()  # also where it could not be assigned
            _kernel.TerminateJobObject(self._job, 1)

        def release(self) -> None:
            self._limit(0)
            _kernel.CloseHandle(self._job)

    process_tree: type[ProcessTree] = _JobObject
else:
    process_tree = ProcessTree
