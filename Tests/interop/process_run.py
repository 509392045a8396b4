"""One measured process: its JSON result, and what the operating system says of it afterwards.

Linux only, no dependencies: the measuring process stays small and quiet.
"""
import json
import os
import subprocess
import tempfile
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")
CORES = len(os.sched_getaffinity(0))


class RunFailure(Exception):
    """A process that ended with an error, ran too long or printed no result."""


def busy_seconds():
    """Processor seconds that the machine has spent on anything, stolen ones included."""
    with open("/proc/stat") as file:
        fields = [int(field) for field in file.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICK


def machine_share(seconds, busy):
    return max(0.0, busy) / (seconds * (os.cpu_count() or 1))


def wait_for_quiet(patience, limit=0.08):
    """Waits until others use less than `limit` of the processors, at most `patience` seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        start, busy = time.monotonic(), busy_seconds()
        time.sleep(1)
        if machine_share(time.monotonic() - start, busy_seconds() - busy) < limit:
            return


def run(command, timeout):
    """Runs a command that prints JSON; returns its last object with figures from outside.

    `peak_kib` is what `/usr/bin/time -v` calls the maximum resident set size: of the largest process
    where the command starts several. The foreign share is what everything else on the machine used
    of its processors while the command ran.
    """
    command = [str(part) for part in command]
    with tempfile.TemporaryFile("w+") as output:
        start, busy = time.monotonic(), busy_seconds()
        process = subprocess.Popen(command, stdout=output, stdin=subprocess.DEVNULL)
        timer = threading.Timer(timeout, process.kill)
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            timer.cancel()
            if process.returncode is None:  # we were interrupted
                process.kill()
        seconds = time.monotonic() - start
        foreign = busy_seconds() - busy - usage.ru_utime - usage.ru_stime
        output.seek(0)
        lines = [line for line in output if line.startswith("{")]
    if process.returncode != 0 or not lines:
        raise RunFailure(f"{' '.join(command)} ended with {process.returncode} after {seconds:.0f} s")
    return json.loads(lines[-1]) | {
        "peak_kib": usage.ru_maxrss,
        "process_seconds": round(seconds, 2),
        "process_cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "foreign_cpu_share": round(machine_share(seconds, foreign), 3),
    }
