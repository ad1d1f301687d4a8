"""A stand-in for Azure Resource Manager that the real `az` logs in to.

It speaks TLS on loopback, keeps resources as the raw bodies that ARM would send, validates and
reconciles as AKS does, and pages, throttles and fails as ARM does. It is the oracle that the
extension is tested against, so nothing here may import the extension.

    with StandIn() as arm:
        cluster = arm.add_cluster('aks1', pools=[pool('system', 3)], managed=2, ports=4000)
        arm.fault('loadBalancers', Status(403, action='Microsoft.Network/loadBalancers/read'))

`python -m tests.azure --help` starts one for manual use. "facts" in the comments is
.github/AZURE-FACTS.md; its marks [D], [O], [I] and [?] are repeated where a rule rests on them.
"""
from tests.azure.builders import ABSENT, pool
from tests.azure.faults import Bomb, Cut, Drop, Endless, Gzip, Hang, Html, Redirect, Reset, Status, Truncated
from tests.azure.ids import OTHER_SUBSCRIPTION, SUBSCRIPTION, TENANT
from tests.azure.standin import StandIn

__all__ = ['ABSENT', 'Bomb', 'Cut', 'Drop', 'Endless', 'Gzip', 'Hang', 'Html', 'OTHER_SUBSCRIPTION', 'Redirect',
           'Reset', 'SUBSCRIPTION', 'StandIn', 'Status', 'TENANT', 'Truncated', 'pool']
