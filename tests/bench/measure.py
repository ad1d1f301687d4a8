"""Running `az` as a whole process and taking its time, CPU and memory; medians of pairs; tables."""
import os
import re
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One run: seconds by the clock, seconds of CPU, MiB at its peak, what it printed, and the CPU seconds of this
    process meanwhile, which are those of the stand-in."""

    wall: float
    cpu: float
    peak: float
    beside: float
    output: str


def run(az, command, stdin=None):
    """Run `az` once, its output to a file so that no pipe slows it. Raises AssertionError when it fails."""
    with tempfile.TemporaryFile('w+', encoding='utf-8') as file:
        start, before, peak = time.perf_counter(), time.process_time(), 0.0
        process = az.popen(command, stdout=file, stderr=None, stdin=stdin)
        while True:
            done, status, usage = os.wait4(process.pid, os.WNOHANG)
            if done:
                break
            peak = _peak(process.pid) or peak
            time.sleep(0.005)
        wall, beside = time.perf_counter() - start, time.process_time() - before
        process.returncode = os.waitstatus_to_exitcode(status)
        file.seek(0)
        output = file.read()
    assert process.returncode == 0, f'{command}: exit code {process.returncode}'
    return Run(wall, usage.ru_utime + usage.ru_stime, peak, beside, output)


def _peak(pid):
    """The most memory that a process has had so far, in MiB (Linux). Its resource usage would count this process
    too, of which it is a copy at first."""
    try:
        found = re.search(r'VmHWM:\s+(\d+) kB', Path(f'/proc/{pid}/status').read_text(encoding='utf-8'))
    except OSError:
        return None
    return found and int(found.group(1)) / 1024


def in_turn(jobs, runs, warmup=1):
    """{name: what each counted call gave}: the functions `jobs` in turn, after `warmup` rounds that are not counted.
    Every other round goes backwards, so that a machine that gets slower favours none."""
    samples = {name: [] for name in jobs}
    for number in range(-warmup, runs):
        for name in list(jobs)[::-1 if number % 2 else 1]:
            sample = jobs[name]()
            if number >= 0:
                samples[name].append(sample)
    return samples


def median(values):
    """The median."""
    return statistics.median(list(values))


def total(samples, what):
    """For each round the sum of `what` (wall, cpu, beside) over its runs."""
    return [sum(getattr(one, what) for one in sample) for sample in samples]


def more(values, base):
    """By how much each value is over the one of `base` of the same round."""
    return [value - other for value, other in zip(values, base)]


def times(values, base):
    """How many times each value is the one of `base` of the same round."""
    return [value / other for value, other in zip(values, base)]


def seconds(values):
    """Median and spread: 0.512 (0.498 to 0.561)."""
    values = list(values)
    return f'{median(values):.3f} ({min(values):.3f} to {max(values):.3f})'


def milliseconds(differences):
    """Median and quartiles of differences in seconds: +12 ms (+4 to +19)."""
    low, middle, high = statistics.quantiles(differences, n=4) if len(differences) > 1 else differences * 3
    return f'{middle * 1000:+.0f} ms ({low * 1000:+.0f} to {high * 1000:+.0f})'


def table(titles, rows):
    """A table in Markdown; the first column to the left, the others to the right."""
    lines = ['| ' + ' | '.join(titles) + ' |', '|---|' + '--:|' * (len(titles) - 1)]
    return '\n'.join(lines + ['| ' + ' | '.join(map(str, row)) + ' |' for row in rows])
