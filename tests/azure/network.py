"""Public IP addresses and prefixes: what `az network public-ip [prefix] create` asks for."""
import ipaddress

from tests.azure import errors, ids

PUBLIC_IP = 'Microsoft.Network/publicIPAddresses'
PREFIX = 'Microsoft.Network/publicIPPrefixes'
LOAD_BALANCER = 'Microsoft.Network/loadBalancers'
_IN_GROUP = '/subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)/providers/'
_PREFIX_LENGTHS = {'IPv4': range(24, 32), 'IPv6': range(120, 128)}
_V4 = int(ipaddress.ip_address('198.18.0.0'))  # RFC 2544: addresses that belong to nobody
_V6 = int(ipaddress.ip_address('2001:db8::'))


_USAGES = '/subscriptions/(?P<subscription>[^/]+)/providers/Microsoft.Network/locations/(?P<location>[^/]+)/usages'

#: Quotas of a region by what counts against them; each is said of addresses or prefixes.
_QUOTAS = {'PublicIPAddresses': PUBLIC_IP, 'StandardSkuPublicIpAddresses': PUBLIC_IP, 'PublicIpPrefixes': PREFIX}


class Network:
    """`quotas` are limits by name; all others are 1000."""

    def __init__(self, arm):
        self.arm = arm
        self.quotas = {}
        self._given = 0

    def routes(self):
        return [
            ('PUT', _IN_GROUP + PUBLIC_IP + '/(?P<name>[^/]+)', self.put_address),
            ('PUT', _IN_GROUP + PREFIX + '/(?P<name>[^/]+)', self.put_prefix),
            ('GET', _USAGES, self.usages),
        ]

    def usages(self, request):
        """What is used of each quota (facts §11), among others that have nothing to do with addresses."""
        subscription, location = request.params['subscription'], request.params['location']
        if ' ' in location:
            raise errors.arm_error(400, 'LocationNotAvailableForResourceType', f"The location '{location}' is unknown.")
        found = [('VirtualNetworks', 8, 50)] + [
            (name, self._used(kind, subscription, location), self.quotas.get(name, 1000))
            for name, kind in _QUOTAS.items()]
        return 200, {'value': [
            {'id': f'{request.raw_path}/{name}', 'currentValue': used, 'limit': limit, 'unit': 'Count',
             'name': {'value': name, 'localizedValue': name}} for name, used, limit in found]}, None

    def check_quota(self, kind, subscription, location, more=1):
        """Raise what Azure answers where `more` of that kind would be beyond a quota."""
        for name, counted in _QUOTAS.items():
            limit = self.quotas.get(name, 1000)
            if counted == kind and more > 0 and self._used(kind, subscription, location) + more > limit:
                code = 'PublicIPCountLimitReached' if kind == PUBLIC_IP else 'PublicIpPrefixCountLimitReached'
                raise errors.arm_error(400, code, f'Cannot create more than {limit} public IP addresses for this '
                                                  'subscription in this region.')

    def _used(self, kind, subscription, location):
        of_kind = f'/{kind.lower()}/'
        stored = ((ids.parse(body['id']), body) for key, body in self.arm.resources.items() if of_kind in key)
        return sum(1 for about, body in stored if about and ids.same(about['type'], kind) and ids.same(
            about['subscription'], subscription) and ids.same(body['location'], location))

    def put_address(self, request):
        old, body = self._stored(request, PUBLIC_IP), request.json
        self.check_quota(PUBLIC_IP, request.params['subscription'], body['location'], more=0 if old else 1)
        wanted = body.get('properties') or {}
        identifier = self.add_address(
            request.params['subscription'], request.params['group'], request.params['name'], body['location'],
            version=wanted.get('publicIPAddressVersion') or 'IPv4', sku=body.get('sku'), tags=body.get('tags'),
            zones=body.get('zones'), allocation=wanted.get('publicIPAllocationMethod') or 'Dynamic',
            idle=wanted.get('idleTimeoutInMinutes') or 4, prefix=(wanted.get('publicIPPrefix') or {}).get('id'))
        new = self.arm.resources[identifier.lower()]
        if old:
            keep = ('ipAddress', 'ipConfiguration')
            new['properties'].update({key: old['properties'][key] for key in keep if key in old['properties']})
        return (200 if old else 201), new, None

    def put_prefix(self, request):
        old, body = self._stored(request, PREFIX), request.json
        wanted = body.get('properties') or {}
        version = wanted.get('publicIPAddressVersion') or 'IPv4'
        length = wanted.get('prefixLength') or (28 if version == 'IPv4' else 124)
        if old and old['properties']['prefixLength'] != length:
            raise errors.arm_error(400, 'PublicIpPrefixPrefixLengthCannotBeChanged',
                                   f"Prefix length of public IP prefix {old['id']} cannot be changed.")
        if length not in _PREFIX_LENGTHS[version]:
            raise errors.arm_error(400, 'InvalidPublicIpPrefixLength', f'Prefix length {length} is not supported.')
        if old:
            old['tags'] = body.get('tags') or {}
            return 200, old, None
        self.check_quota(PREFIX, request.params['subscription'], body['location'])
        identifier = self.add_prefix(request.params['subscription'], request.params['group'],
                                     request.params['name'], body['location'], length, version=version,
                                     tags=body.get('tags'), zones=body.get('zones'), sku=body.get('sku'))
        return 201, self.arm.resources[identifier.lower()], None

    def add_address(self, subscription, group, name, location, version='IPv4', sku=None, tags=None, zones=None,
                    allocation='Static', idle=4, prefix=None):
        """A public IP address in the shape of the real one, out of a prefix of that id where one is given; returns its
        id."""
        identifier = ids.resource_id(subscription, group, PUBLIC_IP, name)
        body = _top(identifier, name, PUBLIC_IP, location, sku or {'name': 'Standard', 'tier': 'Regional'}, tags)
        if zones:
            body['zones'] = list(zones)
        body['properties'] = {'provisioningState': 'Succeeded', 'resourceGuid': ids.guid(identifier, 'guid'),
                              'publicIPAddressVersion': version, 'publicIPAllocationMethod': allocation,
                              'idleTimeoutInMinutes': idle, 'ipTags': []}
        if allocation == 'Static':
            body['properties']['ipAddress'] = str(self._free_block(version, 1))
        if prefix:
            body['properties']['publicIPPrefix'] = {'id': prefix}
            allocated = self.arm.resources[prefix.lower()]['properties'].setdefault('publicIPAddresses', [])
            allocated[:] = [one for one in allocated if not ids.same(one['id'], identifier)] + [{'id': identifier}]
        return self.arm.put(body)

    def add_prefix(self, subscription, group, name, location, length, version='IPv4', tags=None, zones=None,
                   sku=None):
        """A public IP prefix in the shape of the real one; returns its id."""
        identifier = ids.resource_id(subscription, group, PREFIX, name)
        body = _top(identifier, name, PREFIX, location, sku or {'name': 'Standard', 'tier': 'Regional'}, tags)
        if zones:
            body['zones'] = list(zones)
        size = 2 ** ((32 if version == 'IPv4' else 128) - length)
        body['properties'] = {'provisioningState': 'Succeeded', 'resourceGuid': ids.guid(identifier, 'guid'),
                              'prefixLength': length, 'publicIPAddressVersion': version, 'ipTags': [],
                              'ipPrefix': f'{self._free_block(version, size)}/{length}'}
        return self.arm.put(body)

    def _stored(self, request, kind):
        group = ids.group_id(request.params['subscription'], request.params['group'])
        if group.lower() not in self.arm.resources:
            raise errors.group_not_found(request.params['group'])
        identifier = ids.resource_id(request.params['subscription'], request.params['group'], kind,
                                     request.params['name'])
        return self.arm.resources.get(identifier.lower())

    def _free_block(self, version, size):
        """The first address of a block that nobody has yet, aligned to its size."""
        start = -(-self._given // size) * size
        self._given = start + size
        return ipaddress.ip_address((_V4 if version == 'IPv4' else _V6) + start)


def _top(identifier, name, kind, location, sku, tags):
    body = {'name': name, 'id': identifier, 'etag': f'W/"{ids.guid(identifier, "etag")}"', 'type': kind,
            'location': location, 'sku': sku}
    if tags:
        body['tags'] = dict(tags)
    return body
