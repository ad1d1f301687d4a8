# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a cluster has room for on its load balancer, as Services are held against it."""

from ..facts.snat import available_ports
from ..model.observed_context import context_of
from ..model.service_context import OutboundPorts, ServiceContext
from .decide import Decision


def service_context(decision: Decision) -> ServiceContext:
    """The facts of the cluster around a Service, with its nodes and the ports that are given to them."""
    nodes, column = decision.nodes, decision.asked
    context = context_of(decision.observed)._replace(nodes_now=nodes.today, nodes_at_most=nodes.required)
    settings, ips = column.settings, column.effective_outbound_ip_count
    if settings is None or settings.automatic or ips is None or column.ports_per_node is None:
        return context
    return context._replace(outbound=OutboundPorts(column.ports_per_node, available_ports(ips),
                                                   column.shared_rule_blocks))
