"""What the report costs: `recommend` with a page beside its answer, over `recommend` alone, and the page's size."""
import tempfile
from pathlib import Path

from tests.bench import growth
from tests.bench.measure import in_turn, median, run, table, times, total
from tests.bench.targets import Target

#: Nodes whose week the page shows.
NODES = 1000

#: Targets: times the CPU of `recommend`, and bytes.
MOST_TIMES, MOST_BYTES = 1.2, 1_000_000


def measure(arm, az, bare, runs):
    """`recommend` with and without `--report`, in turn, on a week of many nodes; the bytes of the page."""
    del bare
    growth.monitored(arm, NODES)
    with tempfile.TemporaryDirectory(prefix='lbplan-') as folder:
        page = Path(folder, 'report.html')
        plain = f'aks lb recommend {growth.NAMED}'
        beside = f'{plain} --report {page} --overwrite-existing'
        samples = in_turn({'without': lambda: [run(az, plain)], 'with': lambda: [run(az, beside)]}, min(runs, 3))
        size = page.stat().st_size
    cpus = {name: total(taken, 'cpu') for name, taken in samples.items()}
    ratio = median(times(cpus['with'], cpus['without']))
    text = table(('az aks lb recommend', 'nodes', 'CPU seconds', 'bytes of the page'),
                 [('without a report', NODES, f'{median(cpus["without"]):.2f}', '–'),
                  ('with --report', NODES, f'{median(cpus["with"]):.2f}', f'{size:,}')])
    return text, [Target(f'CPU of recommend with a report ÷ without, {NODES:,} nodes', MOST_TIMES, ratio, '{:.2f}'),
                  Target('Bytes of that report', MOST_BYTES, size, '{:,.0f}')]
