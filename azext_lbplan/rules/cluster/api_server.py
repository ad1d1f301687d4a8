# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The list of ranges that may reach the API server, against the addresses that nodes leave from."""

from __future__ import annotations

from typing import Iterable, Optional

from ...decision import Reason
from ...decision.authorized_ranges import Extension, NewAddresses, extension, new_addresses_of, ranges_matter
from ...decision.egress import NAT_GATEWAY, address_ids_of
from ...decision.egress_addresses import addresses_of
from ...facts.api_server import AUTHORIZED_RANGES_OPTION, MAX_AUTHORIZED_RANGES, ONLY_LOAD_BALANCER
from ...facts.links import AUTHORIZED_RANGES
from ...model.finding import ERROR, WARNING, Finding, counted
from ...options import FLAGS
from ..engine import CHANGE, OBSERVATION, Rule, Rulebook
from .subject import CHECK, PLAN, AtColumn, existing_cluster, standard_load_balancer

RULES: Rulebook[AtColumn] = Rulebook(commands=(PLAN, CHECK), link=AUTHORIZED_RANGES)

_TARGET = 'apiServerAccessProfile.authorizedIPRanges'

#: Codes of this file, for those who print the lines that come with them.
NEW_IPS_NOT_LISTED = 'AuthorizedRangesLackNewIps'
EGRESS_NOT_LISTED = 'AuthorizedRangesLackEgress'

_DISPUTED = ('AKS lets in the IPs of its own load balancer where the list was set with the cluster; whether also after '
             'later changes, sources disagree.')


@RULES.rule(NEW_IPS_NOT_LISTED, WARNING, about=CHANGE, needs=(existing_cluster, standard_load_balancer),
            title='The change adds egress IPs that the list of the API server does not hold.',
            why='Nodes of a public cluster reach the API server from their egress IPs. Whether AKS lets in those that '
                'its load balancer gets later is not certain.',
            source='AZURE-FACTS section 1 [D], [?], authorized API server ranges; azure-docs#72339.')
def new_ips_not_listed(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """IPs of the load balancer that come with the line. An entry that stands for all of them is enough."""
    cluster = subject.cluster
    added = new_addresses_of(subject.decision)
    if cluster is None or added is None or not ranges_matter(cluster) or \
            ONLY_LOAD_BALANCER in cluster.authorized_ranges:
        return
    found = extension(cluster, added.known)
    if not found.missing and not added.unknown:
        return
    command = None if subject.observed.origin else found.command
    known = (f"The list of ranges that may reach the API server does not hold {', '.join(found.missing)}, and nodes "
             'will reach it from there.' if found.missing else
             'A list of ranges may reach the API server, and nodes will reach it from the new IPs, too.')
    yield rule.finding(
        f'{known} {_DISPUTED}', target=_TARGET, command=command,
        evidence={'authorizedIPRanges': list(cluster.authorized_ranges), 'missing': list(found.missing),
                  'notKnownBefore': added.unknown},
        remediation=' '.join(filter(None, (_advice(found, command, subject), _about_unknown(added)))))


def _advice(found: Extension, command: Optional[str], subject: AtColumn) -> Optional[str]:
    """What to do about addresses that are known."""
    if not found.missing:
        return None
    if command is not None:
        return 'Run this line first: it names the whole list.'
    return why_no_list(found, in_code=subject.observed.origin is not None)


def why_no_list(found: Extension, in_code: bool = False) -> str:
    """Why no line sets the list, and what does."""
    if found.refused:
        return (f"There is no line, because az aks refuses {', '.join(found.refused[:3])}: it takes global IPv4 ranges "
                f"alone. Set the list where that came from, with {', '.join(found.missing)}.")
    if found.too_long:
        return (f'There is no line, because the list would have {len(found.ranges)} ranges, and Azure takes '
                f'{MAX_AUTHORIZED_RANGES}: replace some by a wider one.')
    where = 'in the code' if in_code else f'with az aks update {AUTHORIZED_RANGES_OPTION}'
    return f"Set {', '.join(found.ranges)} {where} first."


def _about_unknown(added: NewAddresses) -> Optional[str]:
    """What to do about those that are not."""
    if not added.unknown:
        return None
    if added.managed:
        return ('Addresses of IPs that AKS makes are known only afterwards. Public IPs of your own are known before: '
                f"make them, put them on the list, then give them to {FLAGS['outbound_ips']}.")
    if added.to_make:
        return (f"Make the public IPs first; then az aks lb plan with all of them for {FLAGS['outbound_ips']} "
                f"(prefixes: {FLAGS['outbound_ip_prefixes']}) prints the line.")
    return f'The addresses of {counted(added.unknown, "own IP")} could not be read: put them on the list as well.'


@RULES.rule(EGRESS_NOT_LISTED, ERROR, about=OBSERVATION, needs=(existing_cluster,),
            title='Nodes leave from addresses that the list of the API server does not hold.',
            why='Nodes of a public cluster reach the API server from their egress IPs; those of a NAT gateway are not '
                'let in by themselves, and nodes that are kept out become NotReady.',
            source='AZURE-FACTS section 1 [D], authorized API server ranges; azure-docs#62288.')
def egress_not_listed(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Of NAT gateways, whose addresses are known. Where some pools alone leave by one, it is a warning."""
    cluster, paths = subject.cluster, subject.decision.egress.paths
    by_gateway = [path for path in paths if path.way == NAT_GATEWAY]
    if cluster is None or not ranges_matter(cluster):
        return
    known = [addresses_of(subject.observed, address_ids_of(subject.observed, cluster, path)) for path in by_gateway]
    found = extension(cluster, (address for addresses in known for address in addresses or ()),
                      subject.decision.egress.addresses or ())
    if not found.missing:
        return
    refused = subject.decision.reason is Reason.ADDRESS_UNUSABLE  # as every update is until that is mended
    command = None if subject.observed.origin or refused else found.command
    listed = ', '.join(found.missing)
    yield rule.finding(
        f'Nodes leave from {listed} by a NAT gateway, and the API server does not let that in: nodes lose it.',
        target=_TARGET, severity=None if len(by_gateway) == len(paths) else WARNING, command=command,
        evidence={'authorizedIPRanges': list(cluster.authorized_ranges), 'missing': list(found.missing)},
        remediation='Run the line: it names the whole list.' if command else
        why_no_list(found, in_code=subject.observed.origin is not None))
