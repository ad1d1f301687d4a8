"""Metric alert rules: a PUT replaces the whole rule, whatever it leaves out (facts §4)."""
import copy

from tests.azure import errors, ids

METRIC_ALERTS = 'Microsoft.Insights/metricAlerts'
_RULE = ('/subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)/providers/'
         + METRIC_ALERTS + '/(?P<name>[^/]+)')
_LENGTHS = ('PT1M', 'PT5M', 'PT15M', 'PT30M', 'PT1H')


class Alerts:
    """GET and LIST are those of any resource (generic.py)."""

    def __init__(self, arm):
        self.arm = arm

    def routes(self):
        return [('PUT', _RULE, self.put)]

    def put(self, request):
        params = request.params
        group = ids.group_id(params['subscription'], params['group'])
        if group.lower() not in self.arm.resources:
            raise errors.group_not_found(params['group'])
        body = copy.deepcopy(request.json)
        properties = body['properties']
        if properties['evaluationFrequency'] not in _LENGTHS or not 0 <= properties['severity'] <= 4:
            raise errors.arm_error(400, 'BadRequest', 'The rule is malformed.')
        body.update(id=ids.resource_id(params['subscription'], params['group'], METRIC_ALERTS, params['name']),
                    name=params['name'], type=METRIC_ALERTS)
        self.arm.put(body)
        return 200, body, None
