# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Help texts."""

from knack.help_files import helps

helps['aks lb'] = """
type: group
short-summary: Plan SNAT ports, outbound IPs and idle timeout of clusters on a Standard Load Balancer.
long-summary: |-
    A node of such a cluster has a fixed number of SNAT ports; when they run out, its outbound connections fail.
    These commands apply Azure's arithmetic to a cluster and print the flags for 'az aks update'. They only read:
    nothing in Azure is ever changed.
"""

_SAVED = """
    - name: Decide from a file, without a login and without the network.
      text: az aks show -g MyResourceGroup -n MyCluster -o json > cluster.json && az aks lb {0} --from-file cluster.json
    - name: Keep all that was read, to decide again later.
      text: az aks lb {0} -g MyResourceGroup -n MyCluster --save-to snapshot.json
"""

helps['aks lb show'] = """
type: command
short-summary: Show what is in force: outbound IPs, ports per node, idle timeout, node counts, capacity and headroom.
long-summary: |-
    'validated' is the number of nodes that AKS counts when it validates ports: every node pool at its maximum, plus
    its upgrade surge. In a table a pool is written as now/at most+surge.
examples:
    - name: Show a cluster.
      text: az aks lb show -g MyResourceGroup -n MyCluster -o table
    - name: Show all clusters of a resource group.
      text: az aks lb show --ids $(az aks list -g MyResourceGroup --query "[].id" -o tsv) -o table
""" + _SAVED.format('show')

helps['aks lb plan'] = """
type: command
short-summary: Say what load balancer options would do before 'az aks update' gets them, and solve for those not given.
long-summary: |-
    'current' is what is in force, 'requested' is that with exactly the options that were typed, 'proposed' is the
    smallest completion that fits now, at the autoscaler's maximum and during an upgrade. Typed ports raise the IPs;
    without options only what does not fit is repaired, by adding IPs. Ports or IPs are taken away only where they were
    typed or with --allow-decrease, because that cuts live connections. 'commands' holds the lines to run.
examples:
    - name: Does the cluster fit at full scale, and if not, what makes it fit?
      text: az aks lb plan -g MyResourceGroup -n MyCluster
    - name: How many outbound IPs do 4000 ports per node take?
      text: az aks lb plan -g MyResourceGroup -n MyCluster --outbound-ports 4000 -o table
    - name: How many ports per node do 7 managed IPs give to 100 nodes, before the cluster exists?
      text: az aks lb plan --node-count 100 --managed-ip-count 7
    - name: What if the node pools may grow to 200 nodes and surge by a third?
      text: az aks lb plan -g MyResourceGroup -n MyCluster --max-count 200 --max-surge 33%
    - name: Run what is proposed.
      text: az aks lb plan -g MyResourceGroup -n MyCluster --query "commands[]" -o tsv | bash -e
    - name: Fail a pipeline when Azure would refuse the next update.
      text: az aks lb plan -g MyResourceGroup -n MyCluster --fail-on error -o none
""" + _SAVED.format('plan')

helps['aks lb recommend'] = """
type: command
short-summary: Recommend ports per node and outbound IPs, with the reasons and the alternatives.
long-summary: |-
    Never fewer ports per node than nodes have today, on the fewest IPs that carry them at full scale. Automatic
    allocation that would drop as the cluster grows becomes explicit. What-if and scale options act as constraints.
examples:
    - name: What should be set?
      text: az aks lb recommend -g MyResourceGroup -n MyCluster
    - name: Only the lines to run.
      text: az aks lb recommend -g MyResourceGroup -n MyCluster --query "commands[]" -o tsv
    - name: What should be set if the cluster may grow to 200 nodes?
      text: az aks lb recommend -g MyResourceGroup -n MyCluster --max-count 200 -o table
""" + _SAVED.format('recommend')
