# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The idle timeout: what `az aks` accepts, and what a short one cuts."""

from ...facts import snat
from ...model.finding import ERROR, INFO
from .fixes import change
from .rule import CHECK, IDLE_TIMEOUT, Hit, Rule

#: Below this many minutes quiet connections die that clients commonly keep in pools. Source: HikariCP, the pool of
#: most JVM services, lets a connection idle for 10 minutes by default.
SHORT_IDLE_TIMEOUT = 10


def idle_timeout_out_of_range(case):
    """The idle timeout is outside of what Azure or `az aks` accepts.

    Why: below 4 or above 120 minutes Azure refuses the next update; from 101 to 120 it holds, but `az aks` cannot set
    it again.
    Source: azure-facts section 1, table: ARM 4 to 120, az aks 4 to 100.
    """
    if case.current is None:
        return
    minutes = case.current.settings.idle_timeout_in_minutes
    if snat.MIN_IDLE_TIMEOUT <= minutes <= snat.MAX_IDLE_TIMEOUT:
        return
    held = snat.MIN_IDLE_TIMEOUT <= minutes <= snat.MAX_ARM_IDLE_TIMEOUT
    nearest = max(snat.MIN_IDLE_TIMEOUT, min(minutes, snat.MAX_IDLE_TIMEOUT))
    yield Hit(f'The idle timeout is {minutes} minutes; ' +
              (f'az aks takes {snat.MIN_IDLE_TIMEOUT} to {snat.MAX_IDLE_TIMEOUT} and cannot set it again.' if held else
               f'Azure takes {snat.MIN_IDLE_TIMEOUT} to {snat.MAX_ARM_IDLE_TIMEOUT} and will refuse the next update.'),
              target=IDLE_TIMEOUT, severity=INFO if held else ERROR, evidence={'idleTimeoutInMinutes': minutes},
              **({'remediation': 'Leave it, or change it through ARM, Bicep or Terraform.'} if held else
                 change(case, 'Take the nearest value that az aks accepts.', idle_timeout_in_minutes=nearest)))


def short_idle_timeout(case):
    """The idle timeout is so short that long idle connections die unless keepalives hold them.

    Why: database pools, message brokers, kubectl port-forward and the like hold quiet connections for longer. Whether
    they send keepalives cannot be read from Azure.
    Source: the article, "Configure the load balancer idle timeout".
    """
    if case.current is None or case.current.settings.idle_timeout_in_minutes >= SHORT_IDLE_TIMEOUT:
        return
    minutes = case.current.settings.idle_timeout_in_minutes
    yield Hit(f'The idle timeout is {minutes} minutes: connections that are quiet for longer are cut. Whether they '
              'send keepalives is not visible here.', target=IDLE_TIMEOUT, evidence={'idleTimeoutInMinutes': minutes},
              remediation=f'Turn on TCP or application keepalives at less than {minutes} minutes; one side of a '
                          'connection is enough.')


RULES = (
    Rule('IdleTimeoutOutOfRange', ERROR, idle_timeout_out_of_range),
    Rule('ShortIdleTimeout', INFO, short_idle_timeout, commands=(CHECK,)),
)
