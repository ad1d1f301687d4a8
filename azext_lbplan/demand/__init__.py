# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Measured SNAT demand, from metric series to the ports that the busiest node needs (ARCHITECTURE.md, Demand).

queries: what to ask, round by round; readers drive it. choice: which hours are read minute by minute.
tabulate: series of one kind side by side, frontends summed, gaps as gaps; tables: what that makes, by node and minute.
saturation: each minute of a node, coarse: each interval of which the minutes were not read, full: when either is at the
ceiling. episodes: what these found. turnover: what would have been used beyond the ceiling. retries: how many failures
one refused connection makes. hold: how long a port is held, and whether by idle flows. statistics: coverage, quantiles,
the busiest minute of the cluster. measure: all of it, as Demand with its Evidence. observed: that of a cluster, or why
there is none. failures: which nodes refused connections. All of it is pure: no clock, no network, the same answers give
the same demand.

From the demand D of the busiest node to ports (Demand in measure; the IPs in decision.aim; step by step in
decision.sizing), with the figures that chose each number beside it:
- trigger: D with the headroom, 15 % unless typed (options.DEFAULT_HEADROOM). Below it ports change; it sets the IPs.
- target: the room that these IPs have to spare is filled, up to 1.5 D (measure.ROOM).
- spare: what is left where ports are taken away, the trigger with the margin for a short history.
"""

from .measure import BusyNode, Demand, Evidence, measure, unmeasured
from .observed import measure_fleet, measure_observed
from .queries import Questions, Window, questions, weaker

__all__ = ['BusyNode', 'Demand', 'Evidence', 'Questions', 'Window', 'measure', 'measure_fleet',
           'measure_observed', 'questions', 'unmeasured', 'weaker']
