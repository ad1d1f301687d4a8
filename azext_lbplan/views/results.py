# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Decisions as the plain dicts that commands return: camelCase keys, every key always present (design section 2)."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Collection, Dict, List, Optional

from ..decision import flags
from ..rules.cluster import check as check_rules, plan_findings
from ..model.finding import Finding
from ..model.outbound import Case, Configuration, NodeCounts, PoolCount
from ..decision.unverified import assumptions

if TYPE_CHECKING:
    from ..rules.service import ManifestCheck
    from ..decision.recommend import Recommendation


def show(case: Case) -> Dict[str, Any]:
    """The result of `az aks lb show`."""
    return {'cluster': _cluster(case), 'nodes': _nodes(case.nodes), 'current': _configuration(case.current),
            'unverified': list(assumptions(case))}


def plan(case: Case) -> Dict[str, Any]:
    """The result of `az aks lb plan`."""
    return {
        'cluster': _cluster(case), 'nodes': _nodes(case.nodes), 'current': _configuration(case.current),
        'requested': _configuration(case.requested), 'proposed': _configuration(case.proposed),
        'findings': [finding(one) for one in plan_findings(case)], 'flags': list(flags.flags(case)),
        'prerequisites': list(flags.prerequisites(case)), 'command': flags.command(case),
        'commands': list(flags.commands(case)), 'profile': flags.profile(case),
        'unverified': list(assumptions(case)),
    }


def recommend(recommendation: 'Recommendation') -> Dict[str, Any]:
    """The result of `az aks lb recommend`."""
    result = plan(recommendation.case)
    del result['requested']
    alternatives = [{'title': one.title, 'flags': list(one.flags), 'command': one.command, 'fits': one.fits,
                     'consequence': one.consequence} for one in recommendation.alternatives]
    return dict(result, status=recommendation.status, reasons=list(recommendation.reasons),
                evidence=_camel(asdict(recommendation.demand.evidence)), alternatives=alternatives)


def _camel(value):
    """`value` with the keys of its dicts in camelCase."""
    if isinstance(value, dict):
        return {_camel_key(key): _camel(one) for key, one in value.items()}
    return [_camel(one) for one in value] if isinstance(value, (list, tuple)) else value


def _camel_key(key):
    first, *rest = key.split('_')
    return first + ''.join(word.capitalize() for word in rest)


def check(case: Case, only: Optional[Collection[str]] = None, without: Collection[str] = ()) -> Dict[str, Any]:
    """The result of `az aks lb check`, with rules selected by their codes."""
    report = check_rules(case, only, without)
    return {'cluster': _cluster(case), 'status': report.status, 'findings': [finding(one) for one in report.findings],
            'skipped': [{'code': one.code, 'reason': one.reason} for one in report.skipped],
            'summary': report.summary}


def check_service(checked: 'ManifestCheck') -> List[Dict[str, Any]]:
    """The result of `az aks lb check-service`."""
    return [{'file': one.file, 'document': one.document, 'namespace': one.namespace, 'name': one.name,
             'findings': [finding(found) for found in one.findings]} for one in checked.results]


def finding(one: Finding) -> Dict[str, Any]:
    """A finding as every command shows it."""
    return {'code': one.code, 'severity': one.severity, 'message': one.message, 'target': one.target,
            'evidence': dict(one.evidence), 'remediation': one.remediation, 'command': one.command, 'link': one.link}


def _cluster(case) -> Optional[Dict[str, Any]]:
    cluster = case.cluster
    if cluster is None:
        return None
    return {'id': cluster.id, 'name': cluster.name, 'resourceGroup': cluster.resource_group,
            'nodeResourceGroup': cluster.node_resource_group, 'subscriptionId': cluster.subscription_id,
            'location': cluster.location, 'kubernetesVersion': cluster.kubernetes_version,
            'provisioningState': cluster.provisioning_state, 'powerState': cluster.power_state}


def _nodes(nodes: NodeCounts):
    return {'current': nodes.current, 'max': nodes.max, 'surge': nodes.surge, 'validated': nodes.validated,
            'required': nodes.required, 'backendPool': nodes.backend_pool, 'bounded': nodes.bounded,
            'pools': [_pool(pool) for pool in nodes.pools]}


def _pool(pool: PoolCount):
    return {'name': pool.name, 'mode': pool.mode, 'type': pool.type, 'priority': pool.priority,
            'current': pool.current, 'max': pool.max, 'surgeSetting': pool.surge_setting, 'surge': pool.surge,
            'validated': pool.validated}


def _configuration(one: Optional[Configuration]):
    """A configuration; where no load balancer settings apply, the same keys with nulls inside."""
    if one is None:
        return None
    settings = one.settings
    return {
        'outboundType': one.outbound_type, 'loadBalancerSku': one.load_balancer_sku,
        'ipSource': settings.ip_source if settings else 'none',
        'outboundIpCount': settings and settings.outbound_ip_count,
        'effectiveOutboundIpCount': one.effective_outbound_ip_count,
        'outboundIps': list(settings.outbound_ips) if settings else [],
        'outboundIpPrefixes': list(settings.outbound_ip_prefixes) if settings else [],
        'managedOutboundIpCount': settings and settings.managed_outbound_ip_count,
        'managedOutboundIpv6Count': settings and settings.managed_outbound_ipv6_count,
        'outboundPorts': settings and settings.outbound_ports,
        'portsPerNode': one.ports_per_node, 'portsPerNodeAtMax': one.ports_per_node_at_max,
        'idleTimeoutInMinutes': settings and settings.idle_timeout_in_minutes,
        'enableTcpReset': one.enable_tcp_reset,
        'backendPoolType': settings and settings.backend_pool_type,
        'availablePorts': one.available_ports, 'requiredPorts': one.required_ports,
        'headroomPorts': one.headroom_ports, 'maxNodes': one.max_nodes, 'headroomNodes': one.headroom_nodes,
        'maxPortsPerNode': one.max_ports_per_node, 'fits': one.fits,
    }
