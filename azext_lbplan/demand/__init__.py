# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Measured SNAT demand, from metric series to the ports that the busiest node needs (ARCHITECTURE.md, Demand).

queries: what to ask, round by round; readers drive it. choice: which hours are read minute by minute.
tables: series of one kind side by side, frontends summed. saturation: minutes at the ceiling, and what would have been
used beyond it. retries: how many failures one refused connection makes. hold: how long a port is held, and whether by
idle flows. statistics: coverage, quantiles, the busiest minute of the cluster. measure: all of it, as Demand with its
Evidence. observed: that of a cluster, or why there is none. failures: which nodes refused connections.
All of it is pure: no clock, no network, the same answers give the same demand.
"""

from .measure import BusyNode, Demand, Evidence, measure, unmeasured
from .observed import measure_fleet, measure_observed
from .queries import Questions, Window, questions, weaker

__all__ = ['BusyNode', 'Demand', 'Evidence', 'Questions', 'Window', 'measure', 'measure_fleet',
           'measure_observed', 'questions', 'unmeasured', 'weaker']
