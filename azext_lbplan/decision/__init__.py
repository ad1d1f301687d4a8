# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""One decision per cluster: what is in force, what was asked for, what is proposed, and the steps to it.

decide: the only way to an answer. nodes, columns: counting and arithmetic. own_addresses: the user's own IPs, judged
once. aim, solver: what to set, and what that takes. steps, outcome: lines to run, or the reason for none.
alternatives: decisions with other options. assumptions: what the answer rests on that nobody documents.
Pure: records in, records out.
"""

from .columns import Configuration, Settings
from .decide import Decision, decide
from .outcome import NoCommand, Reason, Update

__all__ = ['Configuration', 'Decision', 'NoCommand', 'Reason', 'Settings', 'Update', 'decide']
