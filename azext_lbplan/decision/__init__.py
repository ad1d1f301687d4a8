# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""One decision per cluster: what is in force, what was asked for, what is proposed, and the steps to it."""
