# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The list of ranges that may reach the API server of a public cluster: what Azure and `az aks` take in it."""

import ipaddress

#: The option of `az aks update`, which takes the whole list.
AUTHORIZED_RANGES_OPTION = '--api-server-authorized-ip-ranges'

#: The most ranges of a list. Source: AZURE-FACTS section 1, authorized API server ranges [D].
MAX_AUTHORIZED_RANGES = 200

#: Lets in the IPs of the cluster's own load balancer alone, and stands with no other range. Source: the same [D].
ONLY_LOAD_BALANCER = '0.0.0.0/32'


def is_taken(written: str) -> bool:
    """Whether `az aks` takes `written` as a range: IPv4 in CIDR notation without host bits, or an address, that is
    global. Source: validate_ip_ranges of acs [O]."""
    try:
        network = ipaddress.ip_network(written)
    except ValueError:
        return False
    return network.version == 4 and network.is_global
