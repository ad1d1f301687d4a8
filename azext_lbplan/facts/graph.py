# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What Azure Resource Graph takes in one query and gives in one answer."""

#: Rows of a page, the most that the service gives. Source: "Working with large Azure resource data sets".
PAGE = 1000

#: Subscriptions and management groups in one query, the most that the service takes. Source: the limits that
#: Microsoft's own extension resource-graph keeps; "Too many subscriptions" in the service's troubleshooting guide.
MOST_SUBSCRIPTIONS = 1000
MOST_MANAGEMENT_GROUPS = 10
