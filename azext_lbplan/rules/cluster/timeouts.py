# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The idle timeout: what `az aks` accepts, and what a short one cuts."""

from typing import Iterable

from ...facts import snat
from ...facts.links import USE_STANDARD_LB
from ...model.finding import ERROR, INFO, Finding
from ..engine import Rule, Rulebook
from .subject import CHECK, IDLE_TIMEOUT, PLAN, AtColumn, existing_cluster, standard_load_balancer

#: Below this many minutes quiet connections die that clients commonly keep in pools. Source: HikariCP, the pool of
#: most JVM services, lets a connection idle for 10 minutes by default.
SHORT_IDLE_TIMEOUT = 10

RULES: Rulebook[AtColumn] = Rulebook(commands=(PLAN, CHECK), needs=(standard_load_balancer, existing_cluster),
                                     link=USE_STANDARD_LB)


@RULES.rule('IdleTimeoutOutOfRange', ERROR,
            title='The idle timeout is outside of what Azure or az aks accepts.',
            why='Below 4 or above 120 minutes Azure refuses the next update; from 101 to 120 it takes it, but az aks '
                'cannot set it again.',
            source='AZURE-FACTS section 1, table: ARM 4 to 120, az aks 4 to 100.')
def idle_timeout_out_of_range(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Both ranges."""
    minutes = subject.settings.idle_timeout_in_minutes
    if snat.MIN_IDLE_TIMEOUT <= minutes <= snat.MAX_IDLE_TIMEOUT:
        return
    evidence = {'idleTimeoutInMinutes': minutes}
    if snat.MIN_IDLE_TIMEOUT <= minutes <= snat.MAX_ARM_IDLE_TIMEOUT:
        yield rule.finding(
            f'The idle timeout is {minutes} minutes; az aks takes {snat.MIN_IDLE_TIMEOUT} to {snat.MAX_IDLE_TIMEOUT} '
            'and cannot set it again.', severity=INFO, target=IDLE_TIMEOUT, evidence=evidence,
            remediation='Leave it, or change it through ARM, Bicep or Terraform.')
        return
    yield rule.finding(
        f'The idle timeout is {minutes} minutes; Azure takes {snat.MIN_IDLE_TIMEOUT} to {snat.MAX_ARM_IDLE_TIMEOUT}.',
        consequence='Azure will refuse the next update of this cluster.', target=IDLE_TIMEOUT, evidence=evidence,
        remediation='Take the nearest value that az aks accepts.')


@RULES.rule('ShortIdleTimeout', INFO, commands=(CHECK,),
            title='The idle timeout is so short that long idle connections die unless keepalives hold them.',
            why='Database pools, message brokers, kubectl port-forward and the like hold quiet connections for longer. '
                'Whether they send keepalives cannot be read from Azure.',
            source='the article, "Configure the load balancer idle timeout".')
def short_idle_timeout(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Below SHORT_IDLE_TIMEOUT."""
    minutes = subject.settings.idle_timeout_in_minutes
    if minutes < SHORT_IDLE_TIMEOUT:
        yield rule.finding(
            f'The idle timeout is {minutes} minutes: connections that are quiet for longer are cut. Whether they send '
            'keepalives is not visible here.', target=IDLE_TIMEOUT, evidence={'idleTimeoutInMinutes': minutes},
            remediation=f'Turn on TCP or application keepalives at less than {minutes} minutes; one side of a '
                        'connection is enough.')
