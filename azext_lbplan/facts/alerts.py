# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Metric alert rules of Azure Monitor. Source: AZURE-FACTS section 4 [O], azure-cli 2.91."""

#: The type of an alert rule, and of what it notifies; ids are compared in lower case.
ALERT_TYPE = 'Microsoft.Insights/metricAlerts'
ACTION_GROUP_TYPE = 'microsoft.insights/actiongroups'
ALERTS_API = '2018-03-01'

#: The most time series that one rule takes in.
MOST_SERIES = 5000

#: The namespace that the SNAT metrics are in.
LOAD_BALANCER_NAMESPACE = 'Microsoft.Network/loadBalancers'

#: The shortest window and frequency; a longer window averages the minute's peak away.
MINUTE = 'PT1M'

#: What criteria of one resource are called.
SINGLE_RESOURCE = 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
