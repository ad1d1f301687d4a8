# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The sum from the demand to the IPs in words, a line for each step: a pocket calculator comes to the same."""

from typing import Iterable, Iterator

from ..decision.sizing import OUTBOUND_IPS
from ..model.finding import counted
from .findings import Result


def lines(steps: Iterable[Result]) -> Iterator[str]:
    """`evidence.steps` of a result: 1428: the busiest minute ..., x 1.15 = 1643: headroom of 15 %, and so on."""
    for step in steps:
        if step['what'] == OUTBOUND_IPS:
            yield f"of {step['ports']}: {counted(step['factor'], 'outbound IP')}"
        elif step['factor'] is not None:
            yield f"x {step['factor']:g} = {step['ports']}: {step['what']}"
        else:
            yield f"{step['ports']}: {step['what']}"
