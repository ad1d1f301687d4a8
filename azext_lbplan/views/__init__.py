# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Decisions in words and layouts: results as plain dicts, tables, hints. They decide nothing."""
