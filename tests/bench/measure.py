"""Running `az` as a whole process and taking its time, CPU and memory; tables of medians."""
import os
import re
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One run: seconds by the clock, seconds of CPU, MiB at its peak, and what it printed."""

    wall: float
    cpu: float
    peak: float
    output: str


def run(az, command, stdin=None):
    """Run `az` once, its output to a file so that no pipe slows it. Raises AssertionError when it fails."""
    with tempfile.TemporaryFile('w+', encoding='utf-8') as file:
        start, peak = time.perf_counter(), 0.0
        process = az.popen(command, stdout=file, stderr=None, stdin=stdin)
        while True:
            done, status, usage = os.wait4(process.pid, os.WNOHANG)
            if done:
                break
            peak = _peak(process.pid) or peak
            time.sleep(0.005)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        file.seek(0)
        output = file.read()
    assert process.returncode == 0, f'{command}: exit code {process.returncode}'
    return Run(wall, usage.ru_utime + usage.ru_stime, peak, output)


def _peak(pid):
    """The most memory that a process has had so far, in MiB (Linux). Its resource usage would count this process
    too, of which it is a copy at first."""
    try:
        found = re.search(r'VmHWM:\s+(\d+) kB', Path(f'/proc/{pid}/status').read_text(encoding='utf-8'))
    except OSError:
        return None
    return found and int(found.group(1)) / 1024


def in_turn(jobs, runs, warmup=1):
    """{name: what each counted call gave}: the functions `jobs` in turn, after `warmup` rounds that are not counted."""
    samples = {name: [] for name in jobs}
    for number in range(-warmup, runs):
        for name, job in jobs.items():
            sample = job()
            if number >= 0:
                samples[name].append(sample)
    return samples


def median(values):
    """The median."""
    return statistics.median(list(values))


def seconds(values):
    """Median and spread: 0.512 (0.498 to 0.561)."""
    values = list(values)
    return f'{median(values):.3f} ({min(values):.3f} to {max(values):.3f})'


def table(titles, rows):
    """A table in Markdown; the first column to the left, the others to the right."""
    lines = ['| ' + ' | '.join(titles) + ' |', '|---|' + '--:|' * (len(titles) - 1)]
    return '\n'.join(lines + ['| ' + ' | '.join(map(str, row)) + ' |' for row in rows])
