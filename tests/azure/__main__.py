"""Start the stand-in for manual use, with a few demo clusters, and print what logs `az` in to it.

    python -m tests.azure [--port N] [--latency SECONDS] > env.sh      (it runs until Ctrl-C)
    source env.sh                                                     (in another shell: exports and the login)
    az aks list -o table
"""
import argparse
import sys
import tempfile
import threading

from tests.azure import StandIn, pool


def demo(arm):
    """One cluster per way of egress, some of which do not fit."""
    arm.add_cluster('healthy', pools=[pool('system', 3)], managed=2, ports=4000)
    arm.add_cluster('overcommitted', pools=[pool('system', 3), pool('batch', 5, max_count=40, mode='User')], ports=2048)
    arm.add_cluster('automatic', pools=[pool('system', 45, max_count=120)])
    arm.add_cluster('own-ips', outbound_ips=[arm.add_public_ip(f'own-ip{index}') for index in range(2)], ports=8000)
    arm.add_cluster('prefixes', outbound_ip_prefixes=[arm.add_public_ip_prefix(length=30)], ports=8000)
    arm.add_cluster('dual', dual_stack=True, ports=10000)
    arm.add_cluster('nat', outbound_type='managedNATGateway')


def main():
    parser = argparse.ArgumentParser(prog='python -m tests.azure', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--port', type=int, default=0, help='TCP port on 127.0.0.1; any free one by default')
    parser.add_argument('--latency', type=float, default=0, help='seconds before each answer')
    options = parser.parse_args()
    with StandIn(options.port) as arm, tempfile.TemporaryDirectory(prefix='az-') as folder:
        demo(arm)
        arm.latency(options.latency)
        print(login_lines(arm, folder), flush=True)
        print(f'# {arm.url} until Ctrl-C', file=sys.stderr)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


def login_lines(arm, folder):
    endpoints = ' '.join(f'--endpoint-{name} {arm.url}' for name in (
        'resource-manager', 'active-directory', 'active-directory-resource-id', 'management',
        'active-directory-graph-resource-id'))
    return '\n'.join([
        f'export AZURE_CONFIG_DIR={folder} AZURE_CORE_COLLECT_TELEMETRY=0 NO_PROXY=127.0.0.1',
        f'export REQUESTS_CA_BUNDLE={arm.ca_bundle} IDENTITY_ENDPOINT={arm.url}/msi IDENTITY_HEADER=x',
        f'az cloud register -n StandIn --skip-endpoint-discovery {endpoints}',
        'az cloud set -n StandIn --only-show-errors', 'az login --identity -o none'])


if __name__ == '__main__':
    main()
