# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Measured SNAT demand, from metric series to the ports that the busiest node needs (design section 4, "Demand").

queries: what to ask, in two passes. tables: series of one kind side by side, frontends summed. saturation: minutes
at the ceiling, and what was wanted beyond it. retries: how many failures one refused connection makes.
hold: how long a port is held, and whether by idle flows. measure: all of it, as Demand with its Evidence.
All of it is pure: no clock, no network, the same answers give the same demand.
"""

from .measure import BusyNode, Demand, Evidence, measure, unmeasured
from .queries import Window, first_pass, second_pass, weaker

__all__ = ['BusyNode', 'Demand', 'Evidence', 'Window', 'first_pass', 'measure', 'second_pass', 'unmeasured',
           'weaker']
