# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Help texts. They fit on a screen: what a command answers, and what people do with it; README.md says more."""

from knack.help_files import helps

helps['aks lb'] = """
type: group
short-summary: Plan SNAT ports, outbound IPs and idle timeout of clusters on a Standard Load Balancer.
long-summary: >-
    A node of such a cluster has a fixed number of SNAT ports; when they run out, its outbound connections fail.
    These commands apply Azure's arithmetic to a cluster and print the flags for 'az aks update'. They only read:
    nothing in Azure is ever changed.
"""

helps['aks lb show'] = """
type: command
short-summary: Show outbound IPs, ports per node, idle timeout, node counts, capacity and headroom that are in force.
long-summary: >-
    'validated' is the number of nodes that AKS counts: every node pool at its maximum, plus its upgrade surge.
examples:
    - name: Show a cluster.
      text: az aks lb show -g MyResourceGroup -n MyCluster -o table
    - name: Show all clusters of a resource group.
      text: az aks lb show --ids $(az aks list -g MyResourceGroup --query "[].id" -o tsv) -o table
    - name: Keep what was read, to decide again later or to attach it to a ticket.
      text: az aks lb show -g MyResourceGroup -n MyCluster --save-to snapshot.json
"""

helps['aks lb plan'] = """
type: command
short-summary: Say what load balancer options would do before 'az aks update' gets them, and solve for those not given.
long-summary: >-
    'current' is in force, 'requested' is that with what you typed, 'proposed' is the smallest completion that fits
    now, at the autoscaler's maximum and during an upgrade. Nothing is taken away that was not typed, without
    --allow-decrease. 'commands' holds the lines to run, or 'noCommand' says why there are none. Several values of
    --max-count or --outbound-ports give a row for each, in 'curve'.
examples:
    - name: Does the cluster fit at full scale, and if not, what makes it fit?
      text: az aks lb plan -g MyResourceGroup -n MyCluster -o table
    - name: What would 4000 ports per node take?
      text: az aks lb plan -g MyResourceGroup -n MyCluster --outbound-ports 4000 -o table
    - name: Before the cluster exists, with the line for 'az aks create'.
      text: az aks lb plan --node-count 10 --max-count 100 --outbound-ports 4000
    - name: What do 20, 50, 100 and 200 nodes take? A row for each.
      text: az aks lb plan -g MyResourceGroup -n MyCluster --max-count 20,50,100,200 -o table
    - name: Fail a pipeline when Azure would refuse the next update.
      text: az aks lb plan --from-file cluster.json --fail-on error -o none
"""

helps['aks lb check'] = """
type: command
short-summary: Say what is wrong or risky about a cluster's outbound traffic, with evidence and the line that mends it.
long-summary: >-
    A finding is an error (Azure refuses the next update, or connections fail now), a warning (it fails at a scale that
    the cluster may reach, cuts live connections, breaks allow-lists, or is retired), or an info. Rules that could not
    be applied are 'skipped', with what was missing; 'az aks lb list-rules' lists all.
examples:
    - name: Check a cluster.
      text: az aks lb check -g MyResourceGroup -n MyCluster -o table
    - name: Fail a pipeline on errors and warnings, but for one rule.
      text: az aks lb check -g MyResourceGroup -n MyCluster --fail-on warning --skip-rules TierDrop
    - name: Metric alerts for the allocation in force, as lines to run.
      text: az aks lb check -g MyResourceGroup -n MyCluster --action-group MyGroupId --query "alerts[].command" -o tsv
    - name: The lines that mend what is wrong.
      text: az aks lb check -g MyResourceGroup -n MyCluster --query "commands[]" -o tsv
"""

helps['aks lb recommend'] = """
type: command
short-summary: Recommend ports per node and outbound IPs from measured demand, with reasons and alternatives.
long-summary: >-
    The busiest node in its busiest minute decides, with headroom on top; where connections failed, what they would
    have needed is estimated. evidence.steps is the sum that leads to the IPs. Without metrics the configuration alone
    decides, and 'evidence' says why. What-if and scale options act as constraints.
examples:
    - name: What should be set?
      text: az aks lb recommend -g MyResourceGroup -n MyCluster -o table
    - name: Fail a weekly job when ports run out within a month at the present trend.
      text: az aks lb recommend -g MyResourceGroup -n MyCluster --offset 30d --fail-on warning -o none
    - name: With half as much again for growth, and a page for those who decide.
      text: az aks lb recommend -g MyResourceGroup -n MyCluster --headroom 50 --report advice.html
    - name: Only the lines to run.
      text: az aks lb recommend -g MyResourceGroup -n MyCluster --query "commands[]" -o tsv
"""

helps['aks lb list'] = """
type: command
short-summary: List the clusters of subscriptions or management groups, the one that breaks first on top.
long-summary: >-
    Azure Resource Graph is asked, a query for each kind of resource and 1000 rows. 'status' is error, warning, ok or
    notApplicable, 'topFinding' the worst finding. In a table nodes are now/to size for.
examples:
    - name: Which clusters of the current subscription break first?
      text: az aks lb list -o table
    - name: The ten riskiest clusters of all subscriptions.
      text: az aks lb list --all-subscriptions --top 10 -o table
    - name: Names of the clusters whose next update Azure would refuse.
      text: az aks lb list --query "[?status=='error'].name" -o tsv
    - name: Fail a nightly job when any cluster of the fleet is at risk.
      text: az aks lb list --all-subscriptions --fail-on warning -o none
"""

helps['aks lb check-service'] = """
type: command
short-summary: Check manifests of Services of type LoadBalancer before they are applied.
long-summary: >-
    YAML or JSON, many documents in a file, List objects and the output of kubectl get; rendered, no templates.
    Annotations that something else hands to a Service (a gateway, Helm values, a kustomization) are checked where they
    stand. With --from-file they are held against a cluster, too. 'az aks lb list-rules' lists what is looked for. A
    file that cannot be read makes the exit code 1; input without any object is an error for --fail-on.
examples:
    - name: Check all manifests below a folder in a pipeline.
      text: az aks lb check-service -f deploy -R --fail-on warning -o table
    - name: Check what runs in a cluster.
      text: kubectl get svc -A -o yaml | az aks lb check-service -f -
    - name: Check a manifest for clusters of one Kubernetes version.
      text: az aks lb check-service -f service.yaml --kubernetes-version 1.33
    - name: Check a chart against the cluster that it is for.
      text: helm template MyChart | az aks lb check-service -f - --from-file cluster.json
"""

helps['aks lb list-rules'] = """
type: command
short-summary: List the rules of 'check', 'plan', 'recommend' and 'check-service'.
long-summary: >-
    'command' is the command to run for a rule, 'commands' are all that give it.
examples:
    - name: What is looked for?
      text: az aks lb list-rules -o table
    - name: Why does a rule matter, and where does that come from?
      text: az aks lb list-rules --query "[?code=='TierDrop']"
    - name: What makes a pipeline with '--fail-on error' fail?
      text: az aks lb list-rules --query "[?command=='check' && severity=='error'].{code:code, title:title}" -o table
"""
