"""Resource ids: made, taken apart, compared. ARM compares them without regard to case (facts §9, 2)."""
import re
import uuid
from functools import lru_cache

SUBSCRIPTION = '11111111-1111-1111-1111-111111111111'
OTHER_SUBSCRIPTION = '22222222-2222-2222-2222-222222222222'
TENANT = '99999999-9999-9999-9999-999999999999'
PRINCIPAL = '77777777-7777-7777-7777-777777777777'

_ID = re.compile(r'/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)'
                 r'/providers/(?P<type>[^/]+/[^/]+)/(?P<name>[^/]+)', re.I)


def group_id(subscription, group):
    return f'/subscriptions/{subscription}/resourceGroups/{group}'


def resource_id(subscription, group, kind, name):
    """The id of a top-level resource; kind is e.g. 'Microsoft.Network/publicIPAddresses'."""
    return f'{group_id(subscription, group)}/providers/{kind}/{name}'


def parse(identifier):
    """-> {subscription, group, type, name}, or None when it is not a top-level resource's id."""
    match = _ID.fullmatch(identifier or '')
    return match.groupdict() if match else None


def same(one, other):
    return (one or '').lower() == (other or '').lower()


def guid(*parts):
    """A name as Azure would draw it by chance, but the same on every run."""
    return _drawn('/'.join(str(part).lower() for part in parts))


@lru_cache(maxsize=1 << 14)
def _drawn(name):
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))
