# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Decisions as the plain dicts that commands return: camelCase keys, every key always present."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable, List, Optional, Sequence, Tuple

from ..decision import Configuration, Decision, NoCommand
from ..decision.assumptions import assumptions, assumptions_in_force
from ..decision.nodes import Nodes, PoolNodes
from ..facts.clusters import NONE
from ..model.finding import ERROR, WARNING, Finding, count_by_severity
from ..rules.cluster.obstacles import why_no_line
from ..rules.cluster.ways_out import told_ways
from . import moves
from .findings import Result, finding
from .fragments import fragments
from .rollback import way_back
from .verdict import verdict

if TYPE_CHECKING:  # only what measures pays for it
    from ..demand import Evidence
    from ..rules.engine import Report, Skipped

OK = 'ok'
NOT_APPLICABLE = 'notApplicable'


def show(decision: Decision) -> Result:
    """The result of `az aks lb show`."""
    return {'cluster': _cluster(decision), 'verdict': _verdict(decision), 'egress': egress(decision),
            'nodes': _nodes(decision.nodes), 'current': _configuration(decision.current or decision.asked),
            'unverified': list(assumptions_in_force(decision)), 'code': _code(decision)}


def plan(decision: Decision, findings: Iterable[Finding], curve: Optional[List[Result]] = None) -> Result:
    """The result of `az aks lb plan`; `curve` holds the rows of several sizes, where they were asked for."""
    found = tuple(findings)
    return {
        'cluster': _cluster(decision), 'verdict': _verdict(decision, found), 'egress': egress(decision),
        'nodes': _nodes(decision.nodes), 'current': _configuration(decision.current),
        'requested': _configuration(decision.requested), 'proposed': _configuration(decision.proposed),
        'findings': [finding(one) for one in found], **_outcome(decision), 'rollback': way_back(decision),
        'profile': decision.profile, 'fragments': fragments(decision), 'unverified': list(assumptions(decision)),
        'code': _code(decision), 'curve': curve, 'mended': None,
    }


def check(decision: Decision, report: Report) -> Result:
    """The result of `az aks lb check`."""
    return {'cluster': _cluster(decision), 'verdict': _verdict(decision, report.findings),
            'egress': egress(decision), 'status': status_of(decision, next(iter(report.findings), None)),
            'findings': [finding(found) for found in report.findings],
            'skipped': [_skipped(rule) for rule in report.skipped],
            'summary': count_by_severity(report.findings), **_outcome(decision), 'moves': moves.rows(decision),
            'code': _code(decision), 'mended': None}


def _code(decision: Decision) -> Optional[Result]:
    """The code that the answer is about; None where it is about a cluster itself."""
    origin = decision.observed.origin
    if origin is None:
        return None
    return {'kind': origin.kind, 'language': origin.language, 'address': origin.address, 'action': origin.action,
            'unknown': list(origin.unknown), 'recreatedBy': list(origin.recreated_by)}


def egress(decision: Decision) -> Result:
    """Where packets really leave; `addresses` is null where not all of them are known."""
    found = decision.egress
    return {'declared': found.declared, 'effective': found.effective, 'via': found.via,
            'addresses': None if found.addresses is None else list(found.addresses), 'evidence': list(found.evidence)}


def status_of(decision: Decision, leading: Optional[Finding]) -> str:
    """The severity of the worst finding, which leads; without errors and warnings whether the rules apply to such a
    cluster at all."""
    if leading is not None and leading.severity in (ERROR, WARNING):
        return leading.severity
    return OK if decision.applicable else NOT_APPLICABLE


def evidence(measured: Evidence) -> Result:
    """What the metrics show, by the names of its fields."""
    return _camel_keys(measured._asdict().items())


def _camel_keys(fields: Iterable[Tuple[str, Any]]) -> Result:
    return {_camel(name): _plain(value) for name, value in fields}


def _plain(value: Any) -> Any:
    """Records within records as dicts, too."""
    if hasattr(value, '_asdict'):
        return _camel_keys(value._asdict().items())
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _camel(name: str) -> str:
    first, *rest = name.split('_')
    return first + ''.join(word.capitalize() for word in rest)


def _skipped(rule: Skipped) -> Result:
    return {'code': rule.code, 'reason': rule.reason}


def _verdict(decision: Decision, findings: Iterable[Finding] = ()) -> Result:
    return dict(verdict(decision, findings)._asdict())


def _outcome(decision: Decision) -> Result:
    """The lines to run, or why there are none."""
    outcome = decision.outcome
    no_command = ({'reason': outcome.reason.value, 'message': why_no_line(decision, outcome),
                   'waysOut': [way._asdict() for way in told_ways(decision)]}
                  if isinstance(outcome, NoCommand) else None)
    return {'flags': list(decision.flags), 'prerequisites': list(decision.prerequisites), 'command': decision.command,
            'commands': list(decision.commands), 'noCommand': no_command}


def _cluster(decision: Decision) -> Optional[Result]:
    cluster = decision.cluster
    if cluster is None:
        return None
    return {'id': cluster.id, 'name': cluster.name, 'resourceGroup': cluster.resource_group,
            'nodeResourceGroup': cluster.node_resource_group, 'subscriptionId': cluster.subscription_id,
            'location': cluster.location, 'kubernetesVersion': cluster.kubernetes_version,
            'provisioningState': cluster.provisioning_state, 'powerState': cluster.power_state}


def _nodes(nodes: Nodes) -> Result:
    known = nodes.most_known
    return {'current': nodes.current if nodes.current_known else None, 'max': nodes.max if known else None,
            'surge': nodes.surge if known else None, 'validated': nodes.validated if known else None,
            'required': nodes.required, 'backendPool': nodes.backend_pool, 'bounded': nodes.bounded,
            'pools': _pools(nodes.pools)}


def _pools(pools: Sequence[PoolNodes]) -> List[Result]:
    return [{'name': pool.name, 'mode': pool.mode, 'type': pool.type, 'priority': pool.priority,
             'current': pool.current if pool.current_known else None,
             'max': None if 'max' in pool.unknown else pool.max, 'surgeSetting': pool.surge_setting,
             **({'surge': None, 'validated': None} if {'max', 'max_surge'} & set(pool.unknown) else
                {'surge': pool.surge, 'validated': pool.validated})} for pool in pools]


def _configuration(column: Optional[Configuration]) -> Optional[Result]:
    """A column; where no load balancer settings apply, the same keys with nulls inside."""
    if column is None:
        return None
    settings = column.settings
    shown = {
        'outboundType': column.outbound_type, 'loadBalancerSku': column.load_balancer_sku,
        'ipSource': settings.ip_source if settings else NONE,
        'outboundIpCount': settings and settings.outbound_ip_count,
        'effectiveOutboundIpCount': column.effective_outbound_ip_count,
        'outboundIps': list(settings.outbound_ips) if settings else [],
        'outboundIpPrefixes': list(settings.outbound_ip_prefixes) if settings else [],
        'managedOutboundIpCount': settings and settings.managed_outbound_ip_count,
        'managedOutboundIpv6Count': settings and settings.managed_outbound_ipv6_count,
        'outboundPorts': settings and settings.outbound_ports,
        'portsPerNode': column.ports_per_node, 'portsPerNodeAtMax': column.ports_per_node_at_max,
        'idleTimeoutInMinutes': settings and settings.idle_timeout_in_minutes,
        'enableTcpReset': column.enable_tcp_reset,
        'backendPoolType': column.backend_pool_type,
        'availablePorts': column.available_ports, 'requiredPorts': column.required_ports,
        'headroomPorts': column.headroom_ports, 'maxNodes': column.max_nodes, 'headroomNodes': column.headroom_nodes,
        'maxPortsPerNode': column.max_ports_per_node, 'fits': column.fits,
    }
    return {**shown, **{_camel(field): None for field in (settings.unknown if settings else ())}}
