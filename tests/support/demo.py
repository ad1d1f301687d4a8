"""The files that `tests/run.py demo` and README.md decide from, made by the real az from the stand-in.

    .venv/bin/python -m tests.support.demo      writes tests/data/pool-added.json and fleet.json anew

A shop set 3200 ports per node long ago; somebody added the pool `batch` since, whose nightly job runs one node out of
ports. What is read of a cluster changes with the code: then this file is made anew.
"""
import json
import tempfile
import time
from pathlib import Path

from tests.azure import StandIn, pool
from tests.azure.monitor import Monitor
from tests.support.az import Az, build_wheel
from tests.support.workload import DAY, Traffic, Workload, addresses, diurnal, simulate

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOT, FLEET = (ROOT / 'tests' / 'data' / name for name in ('pool-added.json', 'fleet.json'))
PORTS = 3200
DAYS = 3
POOLS = [pool('system', 3, version='1.31.8'),
         pool('web', 4, min_count=1, max_count=10, mode='User', version='1.31.8'),
         pool('batch', 2, min_count=1, max_count=10, mode='User', version='1.31.8')]


def nightly(start, job):
    """New connections a minute: a few by day, `job` for 25 minutes from 02:00 on."""
    return lambda minute: job if 120 <= (start + minute) % DAY < 145 else 20


def workload(end):
    """Nine nodes for three days until minute `end`."""
    minutes = DAYS * DAY
    start = end - minutes
    traffic = ([Traffic(diurnal(5, 25))] * 3 + [Traffic(diurnal(40, 260))] * 4 +
               [Traffic(nightly(start, job), noisy=False) for job in (850, 520)])  # every night alike
    return Workload(start, {address: simulate([one], minutes, PORTS, seed=index)
                            for index, (address, one) in enumerate(zip(addresses(len(traffic)), traffic))})


def write_fleet(arm, az):
    """What `az aks list` prints of the shop's cluster and three others."""
    arm.add_cluster('search', 'search', pools=[pool('system', 45), pool('index', 3, min_count=3, max_count=60)])
    arm.add_cluster('billing', 'billing', pools=[pool('system', 3)], ports=4000, managed=2)
    arm.add_cluster('reports', 'reports', pools=[pool('system', 3)], outbound_type='managedNATGateway')
    clusters = az('aks list -o json', check=True).json
    FLEET.write_text(json.dumps(clusters, separators=(',', ':')) + '\n')


def reduced(snapshot):
    """The snapshot with the hourly metrics of all nodes, and by the minute only one hour of the job on its nodes."""
    hourly, minutes = [[one for one in snapshot['metrics'] if one['query']['interval'] == interval]
                       for interval in ('PT1H', 'PT1M')]
    night = [one for one in minutes if 'T01:56' in one['query']['timespan']][:2]  # used and allocated, connections
    for metric in (metric for one in (*hourly, *night) for metric in one['response']['value']):
        metric['timeseries'] = [
            {**series, 'data': [rounded(point) for point in series['data']]} for series in metric['timeseries']
            if not is_idle(series)]
    for metric in (metric for one in night for metric in one['response']['value']):
        metric['timeseries'] = [series for series in metric['timeseries'] if of_the_job(series)]
    return {**snapshot, 'metrics': [*hourly, *night]}


def rounded(point):
    return {key: round(value, 1) if isinstance(value, float) else value for key, value in point.items()}


def is_idle(series):
    """Whether it is of UDP, of which nothing is used here, or holds zeros only."""
    return '17' in [label['value'] for label in series['metadatavalues']] or not any(
        value for point in series['data'] for key, value in point.items() if key != 'timeStamp')


def of_the_job(series):
    return {label['value'] for label in series['metadatavalues']} & set(addresses(9)[-2:])


def main():
    with StandIn() as arm, tempfile.TemporaryDirectory() as folder:
        az = Az(arm, Path(folder, 'az')).log_in()
        Path(folder, 'build').mkdir()
        az.install(build_wheel(Path(folder, 'build')))
        arm.add_cluster('shop-prod', 'shop', version='1.31.8', pools=POOLS, ports=PORTS)
        write_fleet(arm, az)
        end = int(time.time()) // 60
        arm.route('GET', Monitor.PATH, Monitor(workload(end), now=end))
        result = az(['aks', 'lb', 'recommend', '-g', 'shop', '-n', 'shop-prod', '--offset', f'{DAYS}d', '--save-to',
                     str(SNAPSHOT), '--overwrite-existing'], check=True).json
        SNAPSHOT.write_text(json.dumps(reduced(json.loads(SNAPSHOT.read_text())), separators=(',', ':')) + '\n')
        again = az(['aks', 'lb', 'recommend', '--from-file', str(SNAPSHOT)], check=True).json
    for key in ('command', 'status', 'findings'):
        assert again[key] == result[key], f'reduced, it says something else of {key}: {again[key]}'
    print(f"{SNAPSHOT.stat().st_size} bytes: {again['command']}")


if __name__ == '__main__':
    main()
