# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Automatic port allocation: what it gives, and where it takes ports back."""

from typing import Iterable

from ...facts import snat
from ...facts.links import USE_STANDARD_LB
from ...model.finding import INFO, WARNING, Finding
from ..engine import Rule, Rulebook
from .subject import CHECK, PLAN, PORTS, AtColumn, existing_cluster, standard_load_balancer

_EXPLICIT = 'Allocate ports explicitly: they stay as they are at every size.'

RULES: Rulebook[AtColumn] = Rulebook(commands=(PLAN, CHECK), needs=(standard_load_balancer,), link=USE_STANDARD_LB)


@RULES.rule('TierDrop', WARNING, needs=(standard_load_balancer, existing_cluster),
            title='Automatic allocation will give running nodes fewer ports when the cluster grows.',
            why='Crossing a tier takes half of the ports back from running nodes; the connections on them die.',
            source='AZURE-FACTS section 2, the table of automatic allocation.')
def tier_drop(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """From what nodes have today."""
    column, required = subject.column, subject.column.nodes.required
    before, last = column.ports_per_node, column.max_nodes
    if not subject.settings.automatic or before is None or last is None or required <= last:
        return
    after = snat.automatic_ports(last + 1, subject.settings.frontends)
    drop = 'to a number that is not documented' if after is None else f'to {after}'
    yield rule.finding(
        f'At {last + 1} nodes automatic allocation falls from {before} {drop} ports per node; the cluster may reach '
        f'{required}.', consequence='Connections on the ports that are taken back die.', target=PORTS,
        remediation=_EXPLICIT, evidence={'atNodes': last + 1, 'portsBefore': before, 'portsAfter': after,
                                         'required': required})


@RULES.rule('AutomaticAboveTable', WARNING,
            title='Automatic allocation above 1000 nodes is not documented.',
            why='Nobody can say how many ports a node then gets.',
            source='AZURE-FACTS section 2 [?].')
def automatic_above_table(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Beyond the last tier."""
    required = subject.column.nodes.required
    if subject.settings.automatic and required > snat.LARGEST_TIER:
        yield rule.finding(f'Automatic allocation is documented up to {snat.LARGEST_TIER} nodes; the cluster may reach '
                           f'{required}.', target=PORTS, evidence={'required': required}, remediation=_EXPLICIT)


@RULES.rule('AutomaticAllocation', INFO, commands=(CHECK,), needs=(standard_load_balancer, existing_cluster),
            title='Ports are allocated automatically, by the size of the backend pool.',
            why='Microsoft recommends an explicit allocation: an automatic one changes with the number of nodes, and '
                'more outbound IPs may add nothing to it.',
            source='AZURE-FACTS section 1 [D], section 2; the article, "Configure the allocated outbound ports".')
def automatic_allocation(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Whatever it gives now."""
    column = subject.column
    if not subject.settings.automatic:
        return
    ports = 'a number of ports that is not documented' if column.ports_per_node is None else \
        f'{column.ports_per_node} ports per node'
    yield rule.finding(f'Ports are allocated automatically, now {ports}. An explicit allocation is recommended.',
                       target=PORTS, remediation=_EXPLICIT,
                       evidence={'portsPerNode': column.ports_per_node, 'nodes': column.nodes.today,
                                 'portsPerNodeAtMax': column.ports_per_node_at_max})
