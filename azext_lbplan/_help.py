# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Help texts."""

from knack.help_files import helps

helps['aks lb'] = """
type: group
short-summary: Plan SNAT ports, outbound IPs and idle timeout of clusters on a Standard Load Balancer.
long-summary: >-
    A node of such a cluster has a fixed number of SNAT ports; when they run out, its outbound connections fail.
    These commands apply Azure's arithmetic to a cluster and print the flags for 'az aks update'. They only read:
    nothing in Azure is ever changed.
"""

_SAVED = """
    - name: Decide from the output of 'az aks show -o json', without a login and without the network.
      text: az aks lb {0} --from-file cluster.json
    - name: Keep what was read, to decide again later or to attach it to a ticket.
      text: az aks lb {0} -g MyResourceGroup -n MyCluster --save-to snapshot.json
    - name: The same with other names and addresses, for everybody to see.
      text: az aks lb {0} -g MyResourceGroup -n MyCluster --save-to public.json --anonymize
"""

helps['aks lb show'] = """
type: command
short-summary: Show outbound IPs, ports per node, idle timeout, node counts, capacity and headroom that are in force.
long-summary: >-
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
long-summary: >-
    'current' is what is in force, 'requested' is that with exactly the options that were typed, 'proposed' is the
    smallest completion that fits now, at the autoscaler's maximum and during an upgrade. Typed ports raise the IPs;
    without options only what Azure refuses, what fails as the cluster grows and what the next update would cut is
    repaired. Ports or IPs are taken away only where they were typed or with --allow-decrease, because that cuts live
    connections. 'commands' holds the lines to run; where there are none, 'noCommand' says why.
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

helps['aks lb check'] = """
type: command
short-summary: Say what is wrong or risky about a cluster's outbound traffic, with evidence and the line that mends it.
long-summary: >-
    Each rule gives findings with a severity: error (Azure refuses the next update, or outbound connections fail now),
    warning (it fails at a scale that the cluster may reach, cuts live connections, breaks allow-lists, or is retired),
    or info. Rules that could not be applied are listed as skipped, with what was missing; never read them as passed.
examples:
    - name: Check a cluster.
      text: az aks lb check -g MyResourceGroup -n MyCluster -o table
    - name: Fail a pipeline on errors and warnings, but for one rule.
      text: az aks lb check -g MyResourceGroup -n MyCluster --fail-on warning --skip-rules TierDrop
    - name: Only whether ports fit, from a file.
      text: az aks lb check --from-file snapshot.json --rules PortsOvercommittedNow PortsOvercommittedAtMaximum
    - name: The lines that mend what is wrong.
      text: az aks lb check -g MyResourceGroup -n MyCluster --query "commands[]" -o tsv
    - name: Keep what was read, to decide again later.
      text: az aks lb check -g MyResourceGroup -n MyCluster --offset 14d --save-to snapshot.json
"""


def add_rules_to_help() -> None:
    """Append the catalogue of rules to the help of `check`: it is imported only when that command is asked for."""
    from .rules.catalogue import help_lines
    from .rules.cluster import RULES
    from .rules.cluster.subject import CHECK
    written = helps['aks lb check']
    if '    Rules:' not in written:
        rules = '\n'.join(f'    - {line}' for line in help_lines(rule for rule in RULES if CHECK in rule.commands))
        helps['aks lb check'] = written.replace('examples:', f'\n    Rules:\n{rules}\nexamples:', 1)


helps['aks lb recommend'] = """
type: command
short-summary: Recommend ports per node and outbound IPs from measured demand, with reasons and alternatives.
long-summary: >-
    Reads the SNAT metrics of the load balancer. Ports are per node, so the busiest node in its busiest minute decides,
    with headroom on top; where connections failed, what they would have needed is estimated. Nothing changes while
    today's ports cover that. Never fewer ports per node than nodes have today without --allow-decrease, on the fewest
    IPs that carry them at full scale. Automatic allocation that would drop as the cluster grows becomes explicit.
    Without metrics the configuration alone decides, and 'evidence' says why. What-if and scale options act as
    constraints. 'status' is change, ok, insufficientData, infeasible or notApplicable.
examples:
    - name: What should be set?
      text: az aks lb recommend -g MyResourceGroup -n MyCluster
    - name: From the metrics of the last 30 days, with half as much again for growth.
      text: az aks lb recommend -g MyResourceGroup -n MyCluster --offset 30d --headroom 50 -o table
    - name: Only the lines to run.
      text: az aks lb recommend -g MyResourceGroup -n MyCluster --query "commands[]" -o tsv
    - name: What should be set if the cluster may grow to 200 nodes?
      text: az aks lb recommend -g MyResourceGroup -n MyCluster --max-count 200 -o table
""" + _SAVED.format('recommend')

helps['aks lb list'] = """
type: command
short-summary: List the clusters of subscriptions or management groups, the one that breaks first on top.
long-summary: >-
    Two queries to Azure Resource Graph per 1000 clusters replace a request per cluster. The rules and the arithmetic
    are those of 'check' and 'show'; 'status' is error, warning, ok or notApplicable, 'topFinding' the code of the
    worst finding. What needs the live resource or metrics is left to 'check'. Azure Resource Graph may lag some
    minutes behind; 'show' is the live truth. What could not be read is told as a warning, and makes --fail-on fail.
    In a table nodes are written as now/to size for, ports of automatic allocation as now and, behind an arrow, at
    full scale.
examples:
    - name: Which clusters of the current subscription break first?
      text: az aks lb list -o table
    - name: The ten riskiest clusters of all subscriptions.
      text: az aks lb list --all-subscriptions --top 10 -o table
    - name: The clusters below a management group.
      text: az aks lb list --management-groups MyManagementGroup
    - name: Names of the clusters whose next update Azure would refuse, for a script.
      text: az aks lb list --subscriptions MySubscription --query "[?status=='error'].name" -o tsv
    - name: With the SNAT ports that the busiest node of each cluster had in use in the last day.
      text: az aks lb list --with-metrics -o table
    - name: Fail a nightly job when any cluster of the fleet is at risk.
      text: az aks lb list --all-subscriptions --fail-on warning -o none
    - name: Decide from a file, without a login and without the network.
      text: az aks lb list --from-file clusters.json
"""

helps['aks lb check-service'] = """
type: command
short-summary: Check manifests of Services of type LoadBalancer before they are applied.
long-summary: >-
    Reads files only, in YAML or JSON, several documents in one file, List objects and the output of kubectl get; no
    login is needed and nothing is changed. What is no Service of type LoadBalancer is skipped. Templates have to be
    rendered first. With --from-file the Services are held against a cluster: its SKU, region, outbound IPs and limits.
examples:
    - name: Check a manifest.
      text: az aks lb check-service -f service.yaml
    - name: Check all manifests below a folder in a pipeline.
      text: az aks lb check-service -f deploy -R --fail-on warning -o table
    - name: Check what runs in a cluster.
      text: kubectl get svc -A -o yaml | az aks lb check-service -f -
    - name: Check a chart against the cluster that it is for.
      text: helm template MyChart | az aks lb check-service -f - --from-file cluster.json
"""
