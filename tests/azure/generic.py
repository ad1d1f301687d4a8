"""What every resource has in common: GET by id, lists by subscription and by group, groups, providers."""
from urllib.parse import urlencode

from tests.azure import errors, ids

KNOWN_TYPES = ('Microsoft.ContainerService/managedClusters', 'Microsoft.Network/loadBalancers',
               'Microsoft.Network/publicIPAddresses', 'Microsoft.Network/publicIPPrefixes',
               'Microsoft.Network/natGateways', 'Microsoft.Network/virtualNetworks', 'Microsoft.Network/routeTables',
               'Microsoft.Insights/metricAlerts')
_SUBSCRIPTION = '/subscriptions/(?P<subscription>[^/]+)'
_GROUP = _SUBSCRIPTION + '/resourcegroups/(?P<group>[^/]+)'
_TYPE = '/providers/(?P<namespace>[^/]+)/(?P<kind>[^/]+)'


class Generic:
    """Comes last in the table: services with rules of their own come before it."""

    def __init__(self, arm):
        self.arm = arm

    def routes(self):
        return [
            ('GET', _GROUP + _TYPE + '/(?P<name>[^/]+)', self.show),
            ('GET', _GROUP + _TYPE, self.list),
            ('GET', _SUBSCRIPTION + _TYPE, self.list),
            ('GET', _SUBSCRIPTION + '/providers/(?P<namespace>[^/]+)', self.provider),
            ('GET', _SUBSCRIPTION + '/providers', self.providers),
            ('GET', _GROUP, self.group),
            ('HEAD', _GROUP, self.group_exists),
            ('GET', _SUBSCRIPTION + '/resourcegroups', self.groups),
        ]

    def show(self, request):
        self._check_type(request)
        body = self.arm.resources.get(_requested_id(request).lower())
        if body is None:
            self._check_group(request)
            kind = f"{request.params['namespace']}/{request.params['kind']}"
            raise errors.not_found(kind, request.params['name'], request.params['group'])
        return 200, body, None

    def list(self, request):
        self._check_type(request)
        group = request.params.get('group')
        if group:
            self._check_group(request)
        kind = f"{request.params['namespace']}/{request.params['kind']}"
        return 200, page(self.arm, request, list(self._of_type(request.params['subscription'], group, kind))), None

    def group(self, request):
        self._check_group(request)
        return 200, self.arm.resources[_group_id(request)], None

    def group_exists(self, request):
        return 204 if _group_id(request) in self.arm.resources else 404, None, None

    def groups(self, request):
        prefix = f"/subscriptions/{request.params['subscription']}/resourcegroups/".lower()
        found = [body for key, body in self.arm.resources.items()
                 if key.startswith(prefix) and '/' not in key[len(prefix):]]
        return 200, page(self.arm, request, found), None

    def provider(self, request):
        return 200, _provider(request.params['subscription'], request.params['namespace']), None

    def providers(self, request):
        spaces = sorted({kind.split('/')[0] for kind in KNOWN_TYPES})
        return 200, {'value': [_provider(request.params['subscription'], space) for space in spaces]}, None

    def _of_type(self, subscription, group, kind):
        for body in self.arm.resources.values():
            about = ids.parse(body['id'])
            if (about and ids.same(about['type'], kind) and ids.same(about['subscription'], subscription)
                    and (not group or ids.same(about['group'], group))):
                yield body

    def _check_type(self, request):
        namespace, kind = request.params['namespace'], request.params['kind']
        wanted = f'{namespace}/{kind}'.lower()
        stored = (ids.parse(body['id']) for body in self.arm.resources.values())
        if not (any(wanted == known.lower() for known in KNOWN_TYPES)
                or any(about and wanted == about['type'].lower() for about in stored)):
            raise errors.unknown_type(namespace, kind, request.api_version)

    def _check_group(self, request):
        if _group_id(request) not in self.arm.resources:
            raise errors.group_not_found(request.params['group'])


def page(arm, request, items):
    """Cut a list as ARM does; the last page may be empty (facts §9, 14)."""
    size = arm.page_size or max(1, len(items))
    start = int(request.query.get('$skiptoken') or 0)
    body = {'value': items[start:start + size]}
    rest = len(items) - start - size
    if rest > 0 or (rest == 0 and arm.empty_last_page and items):
        query = urlencode({**request.query, '$skiptoken': start + size})
        body['nextLink'] = f'{request.base_url}{request.raw_path}?{query}'
    return body


def _requested_id(request):
    params = request.params
    return ids.resource_id(params['subscription'], params['group'], f"{params['namespace']}/{params['kind']}",
                           params['name'])


def _group_id(request):
    return ids.group_id(request.params['subscription'], request.params['group']).lower()


def _provider(subscription, namespace):
    kinds = [kind.split('/')[1] for kind in KNOWN_TYPES if ids.same(kind.split('/')[0], namespace)]
    return {'id': f'/subscriptions/{subscription}/providers/{namespace}', 'namespace': namespace,
            'registrationState': 'Registered', 'registrationPolicy': 'RegistrationRequired',
            'resourceTypes': [{'resourceType': kind, 'locations': ['West Europe'], 'apiVersions': ['2024-05-01'],
                               'capabilities': 'None'} for kind in kinds]}
