"""How time, memory, bytes and requests grow with what is looked at."""
import tempfile
import time
from functools import partial
from typing import NamedTuple

from azext_lbplan.demand.choice import MOST_BLOCKS
from tests.azure import Status, pool
from tests.azure.monitor import Monitor
from tests.bench.measure import in_turn, median, run, table
from tests.bench.targets import Target, growth
from tests.support.fleet import Fleet
from tests.support.workload import Traffic, Workload, addresses, diurnal, simulate

#: Days of metrics.
DAYS = 7

NAMED = '-g rg1 -n aks1'
SERVICE = """- apiVersion: v1
  kind: Service
  metadata: {{name: web-{number}, namespace: shop}}
  spec:
    type: LoadBalancer
    ports: [{{port: 80}}]
    selector: {{app: web}}
"""


def monitored(arm, nodes):
    """A cluster of so many nodes with metrics: a handful of simulated nodes, over and over."""
    arm.add_cluster('aks1', pools=[pool('system', 3), pool('user', nodes - 3, mode='User')], managed=4, ports=1024)
    minutes = DAYS * 1440
    simulated = [simulate([Traffic(diurnal(20, 100 + 10 * seed))], minutes, 1024, seed=seed) for seed in range(5)]
    end = int(time.time()) // 60
    arm.route('GET', Monitor.PATH, Monitor(Workload(end - minutes, {
        address: simulated[index % 5] for index, address in enumerate(addresses(nodes))}), now=end + 120))


def pools(arm, size):
    """Node pools of a cluster."""
    arm.add_cluster('aks1', pools=[pool(f'pool{number}', 2) for number in range(size)], managed=10, ports=1024)
    return f'aks lb plan {NAMED}', None


def own_ips(arm, size):
    """Own outbound public IPs."""
    ids = [arm.add_public_ip(f'own{number}') for number in range(size)]
    arm.add_cluster('aks1', outbound_ips=ids, ports=1024)
    return f'aks lb plan {NAMED}', None


def findings(arm, size):
    """Findings: own IPs that may not be read, each a finding of its own."""
    command = own_ips(arm, size)
    arm.fault(r'.*/publicIPAddresses/own\d+$', Status(403, action='Microsoft.Network/publicIPAddresses/read'))
    return command


def metrics(arm, size):
    """Nodes in a week of metrics."""
    monitored(arm, nodes=size)
    return f'aks lb recommend {NAMED}', None


def manifests(arm, size):
    """Services in one `kubectl get` dump."""
    del arm
    return 'aks lb check-service -f -', 'apiVersion: v1\nkind: List\nitems:\n' + ''.join(
        SERVICE.format(number=number) for number in range(size))


def fleet(arm, size):
    """Clusters in 40 subscriptions."""
    made = Fleet(size).remember()
    made.serve(arm)
    return ['aks', 'lb', 'list', '--subscriptions', *made.subscriptions], None


#: (what grows, its sizes, the most runs of each: the large ones are slow).
ROWS = ((pools, (1, 10, 100), 7), (own_ips, (1, 4, 16), 7), (findings, (1, 4, 16), 7), (metrics, (10, 100, 1000), 3),
        (manifests, (10, 500, 5000), 7), (fleet, (100, 1000, 10000), 3))

#: The most requests whatever the size: the cluster, and of its node resource group the load balancer, the public IPs
#: and the virtual networks; with metrics the first pass and two for each block of the second.
BOUNDED = {pools: 4, metrics: 4 + 5 + 2 * MOST_BLOCKS}

#: What Azure Resource Graph is asked of a small fleet: clusters, and four kinds of what their packets pass.
KINDS_OF_A_FLEET = 5


#: The growth that counts as linear: 1, and what medians of a few runs are off.
LINEAR = 1.15


def measure(arm, az, bare, runs):
    """Each row's sizes in turn: medians of time and CPU, peak memory; bytes, requests and connections of one run."""
    del bare
    rows = {}
    for prepare, sizes, most in ROWS:
        samples = in_turn({size: partial(one, arm, az, prepare, size) for size in sizes}, min(runs, most))
        rows[prepare] = [_row(size, taken) for size, taken in samples.items()]
    text = table(('what grows', 'size', 'seconds', 'CPU seconds', 'peak MiB', 'KiB read', 'requests', 'connections',
                  'runs'), [row.cells(title(prepare)) for prepare, found in rows.items() for row in found])
    return text, [target for prepare in rows for target in _targets(prepare, rows)]


class _Row(NamedTuple):
    """One line of the table."""

    size: int
    runs: int
    wall: float
    cpu: float
    peak: float
    read: int
    requests: int
    connections: int

    def cells(self, title):
        return (title, self.size, f'{self.wall:.2f}', f'{self.cpu:.2f}', f'{self.peak:.0f}', f'{self.read / 1024:,.0f}',
                self.requests, self.connections, self.runs)


def _row(size, taken):
    done, requests = [sample for sample, _ in taken], taken[-1][1]
    return _Row(size, len(taken), median(sample.wall for sample in done), median(sample.cpu for sample in done),
                max(sample.peak for sample in done), sum(request.response_bytes or 0 for request in requests),
                len(requests), len({request.connection for request in requests}))


def title(prepare):
    return prepare.__doc__.split(':')[0].rstrip('.')


def _targets(prepare, rows):
    """Growth from the second to the last size, of what grows most; each beyond the least of all rows, which is what
    `az` takes to start."""
    found, everything = rows[prepare], [row for some in rows.values() for row in some]
    grown = {name: growth([getattr(row, key) for row in found], [row.size for row in found],
                          min(getattr(row, key) for row in everything))
             for key, name in (('cpu', 'CPU'), ('peak', 'memory'), ('read', 'bytes'), ('requests', 'requests'))}
    most = max(grown, key=grown.get)
    yield Target(f'{title(prepare)}, {found[-2].size:,} to {found[-1].size:,}: growth of {most} ÷ growth of size',
                 LINEAR, grown[most], '{:.2f}')
    if prepare in BOUNDED:
        yield Target(f'{title(prepare)}: requests', BOUNDED[prepare], max(row.requests for row in found), '{:.0f}')


def one(arm, az, prepare, size):
    """(the run, its requests) of one command on the stand-in that `prepare` has filled."""
    arm.reset()
    command, text = prepare(arm, size)
    before = len(arm.seen())
    with tempfile.TemporaryFile() as stdin:
        stdin.write((text or '').encode())
        stdin.seek(0)
        done = run(az, command, stdin=stdin)
    return done, arm.seen()[before:] + arm.seen('/providers/Microsoft.ResourceGraph')
