"""Processes that are started here and ended here: pinned to a CPU, followed with their children, measured from /proc."""

import os
import signal
import subprocess
import time
from pathlib import Path

SERVER_CPU, OTHER_CPU = 0, 1
NICE = -20  # other programs of the machine should not get in between; takes root
TICK = 1e6 / os.sysconf("SC_CLK_TCK")  # µs


class Started:
    """Every process started and not yet stopped. Leaving the `with` block stops them, whatever happened."""

    def __init__(self):
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes[:]):
            self.stop(process)

    def start(self, command, cpu, log, first=True, **more):
        """Starts a command on one CPU, before others or behind them; what it says goes to the file `log`."""
        def settle():
            on_cpu(cpu)() if first else stay_behind()
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for us, who stop it in order
        with open(log, "ab") as output:
            more = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output, **more}
            process = subprocess.Popen([str(word) for word in command], preexec_fn=settle, **more)
        self.processes.append(process)
        return process

    def stop(self, process):
        """Asks a process to end, and after five seconds makes it and its children."""
        children = family(process.pid)[1:]
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            for pid in children:
                if Path(f"/proc/{pid}").exists():
                    os.kill(pid, signal.SIGKILL)
        self.processes.remove(process)


def on_cpu(cpu):
    """For `subprocess.run(preexec_fn=…)`: on this CPU, before others."""
    def settle():
        os.sched_setaffinity(0, {cpu})
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        try:
            os.setpriority(os.PRIO_PROCESS, 0, NICE)
        except PermissionError:
            pass
    return settle


def stay_behind():
    """This process, and what it starts: not on the server's CPU, and behind the generator, whose clock stands still while
    something else has its CPU."""
    os.sched_setaffinity(0, {OTHER_CPU})
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def family(pid):
    """The process and all that descend from it."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents.setdefault(int(stat_fields(folder.name)[1]), []).append(int(folder.name))
        except OSError:
            pass  # it ended meanwhile
    found = [pid]
    for one in found:  # grows as it goes
        found += parents.get(one, [])
    return found


def stat_fields(pid):
    """/proc/PID/stat from the third field on; the name before it may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()


def used(pids):
    """µs of user and system time, threads that have ended included."""
    fields = [stat_fields(pid) for pid in pids]
    return sum(int(f[11]) for f in fields) * TICK, sum(int(f[12]) for f in fields) * TICK


def pss_mib(pids):
    """Resident memory; what processes share is counted once."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


class OwnGroupFirst:
    """The scheduler shares a CPU between sessions before it looks at nice values (sched(7), autogroups): raise ours
    meanwhile."""

    FILE = Path("/proc/self/autogroup")

    def __enter__(self):
        try:
            self.before = self.FILE.read_text().rpartition("nice ")[2].strip()
            self.FILE.write_text(str(NICE))
        except OSError:
            self.before = None

    def __exit__(self, *_):
        if self.before is not None:
            time.sleep(0.2)  # the kernel takes one change each tenth of a second
            try:
                self.FILE.write_text(self.before)
            except OSError:
                pass
