# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Automatic port allocation: what it gives, and where it takes ports back."""

from ...facts import snat
from ...model.finding import INFO, WARNING
from .fixes import change
from .rule import CHECK, PORTS, Hit, Rule

_EXPLICIT = 'Allocate ports explicitly: they stay as they are at every size.'


def _explicit(case):
    """The line that fixes the ports that nodes have today."""
    if case.current.ports_per_node is None:
        return {'remediation': 'Allocate ports explicitly.'}
    return change(case, _EXPLICIT, outbound_ports=case.current.ports_per_node)


def _automatic(case):
    return case.current is not None and case.current.settings.automatic


def automatic_allocation(case):
    """Ports are allocated automatically, by the size of the backend pool.

    Why: Microsoft recommends an explicit allocation: an automatic one changes with the number of nodes, and more
    outbound IPs may add nothing to it.
    Source: azure-facts section 1 [D], section 2; the article, "Configure the allocated outbound ports".
    """
    if not _automatic(case):
        return
    current = case.current
    ports = 'a number of ports that is not documented' if current.ports_per_node is None else \
        f'{current.ports_per_node} ports per node'
    yield Hit(f'Ports are allocated automatically, now {ports}. An explicit allocation is recommended.', target=PORTS,
              evidence={'portsPerNode': current.ports_per_node, 'nodes': case.nodes.today,
                        'portsPerNodeAtMax': current.ports_per_node_at_max}, **_explicit(case))


def tier_drop(case):
    """Automatic allocation will give running nodes fewer ports when the cluster grows.

    Why: crossing a tier takes half of the ports back from running nodes; the connections on them die.
    Source: azure-facts section 2, the table of automatic allocation.
    """
    current, nodes = case.current, case.nodes
    if not _automatic(case) or current.ports_per_node is None:
        return
    if current.max_nodes is None or nodes.required <= current.max_nodes:
        return
    after = snat.automatic_ports(current.max_nodes + 1, current.settings.frontends)
    drop = 'to a number that is not documented' if after is None else f'to {after}'
    yield Hit(
        f'At {current.max_nodes + 1} nodes automatic allocation falls from {current.ports_per_node} {drop} ports per '
        f'node; the cluster may reach {nodes.required}. Connections on the ports that are taken back die.',
        target=PORTS, evidence={'atNodes': current.max_nodes + 1, 'portsBefore': current.ports_per_node,
                                'portsAfter': after, 'required': nodes.required}, **_explicit(case))


def automatic_above_table(case):
    """Automatic allocation above 1000 nodes is not documented.

    Why: nobody can say how many ports a node then gets.
    Source: azure-facts section 2 [?].
    """
    for configuration in filter(None, (case.current, case.proposed)):
        if configuration.settings and configuration.settings.automatic and case.nodes.required > snat.LARGEST_TIER:
            yield Hit(
                f'Automatic allocation is documented up to {snat.LARGEST_TIER} nodes; the cluster may reach '
                f'{case.nodes.required}.', target=PORTS, evidence={'required': case.nodes.required},
                **(_explicit(case) if _automatic(case) else {'remediation': 'Allocate ports explicitly.'}))
            return


RULES = (
    Rule('TierDrop', WARNING, tier_drop),
    Rule('AutomaticAboveTable', WARNING, automatic_above_table),
    Rule('AutomaticAllocation', INFO, automatic_allocation, commands=(CHECK,)),
)
