"""`az aks lb list` as a user runs it: the real az against the stand-in's Resource Graph."""
import json

import pytest

from tests.arm import OTHER_SUBSCRIPTION, SUBSCRIPTION, Status, pool

GRAPH = '/providers/Microsoft.ResourceGraph/resources'
ROW_KEYS = ['name', 'resourceGroup', 'subscriptionId', 'location', 'outboundType', 'ipSource', 'outboundIpCount',
            'outboundPorts', 'portsPerNode', 'portsPerNodeAtMax', 'nodes', 'availablePorts', 'requiredPorts',
            'headroomNodes', 'fits', 'status', 'topFinding']


def small_fleet(arm):
    """One cluster of each kind that rows can tell apart; returns their ids."""
    own = [arm.add_public_ip(f'own{index}', 'net') for index in range(2)]
    prefix = arm.add_public_ip_prefix('prefix', 30, 'net')
    ids = [
        arm.add_cluster('healthy', pools=[pool(count=3)], managed=2, ports=4000),
        arm.add_cluster('overcommitted', pools=[pool(), pool('batch', 5, max_count=40, mode='User')], ports=2048),
        arm.add_cluster('automatic', pools=[pool('system', 45, max_count=120)]),
        arm.add_cluster('own-ips', outbound_ips=own, ports=8000),
        arm.add_cluster('prefixes', outbound_ip_prefixes=[prefix], ports=8000),
        arm.add_cluster('dual', dual_stack=True, ports=10000),
        arm.add_cluster('nat', outbound_type='managedNATGateway'),
        arm.add_cluster('basic', sku='Basic'),
        arm.add_cluster('stopped', powerState={'code': 'Stopped'}),
        arm.add_cluster('node-ip', backend_pool_type='nodeIP', ports=1024),
        arm.add_cluster('provisioned', extra_nodes=7, nodeProvisioningProfile={'mode': 'Auto'}),
        arm.add_cluster('Mixed-Case', 'RG-Upper', ports=1024),
        arm.add_cluster('elsewhere', 'rg2', OTHER_SUBSCRIPTION, ports=64000),
    ]
    arm.add_service(ids[0], shared_frontend=True)
    return ids


def one(az, command, identifier):
    return az(f'aks lb {command} --ids {identifier}', check=True).json


def test_a_row_equals_show_and_check(arm, az):
    ids = small_fleet(arm)
    rows = az('aks lb list --all-subscriptions', check=True).json
    assert len(rows) == len(ids)
    by_name = {row['name']: row for row in rows}
    for identifier in ids:
        shown, checked = one(az, 'show', identifier), one(az, 'check', identifier)
        row = by_name[shown['cluster']['name']]
        assert sorted(row) == sorted(ROW_KEYS)
        for key in ('name', 'resourceGroup', 'subscriptionId', 'location'):
            assert row[key] == shown['cluster'][key], (row, key)
        for key in ROW_KEYS[4:10] + ROW_KEYS[11:15]:
            assert row[key] == shown['current'][key], (row, key)
        assert row['nodes'] == {key: shown['nodes'][key] for key in row['nodes']}
        assert row['status'] == checked['status'], (row, checked['findings'])
        assert row['topFinding'] == (checked['findings'] or [{'code': None}])[0]['code'], row
