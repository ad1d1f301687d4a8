# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""How much of a quota of Microsoft.Network is used in a region. Source: AZURE-FACTS section 11, quotas."""

from typing import NamedTuple, Optional, Sequence

from ..facts.networks import PREFIX_QUOTAS, PUBLIC_IP_QUOTAS
from .values import Json, count, id_segments, text

QUOTAS = PUBLIC_IP_QUOTAS + PREFIX_QUOTAS


class Usage(NamedTuple):
    """A quota: its name, the subscription that has it, how many there are and may be."""

    name: str
    subscription_id: Optional[str]
    used: int
    limit: int

    @property
    def free(self) -> int:
        """How many more there may be."""
        return max(0, self.limit - self.used)


def usages_id(subscription_id: Optional[str], location: Optional[str]) -> Optional[str]:
    """The path of all quotas of a region, as `errors` names it; None where the place is not known."""
    if not subscription_id or not location:
        return None
    region = location.replace(' ', '').lower()
    return f'/subscriptions/{subscription_id}/providers/Microsoft.Network/locations/{region}/usages'


def is_about_addresses(body: Json) -> bool:
    """Whether a usage is one of public IPs or prefixes; all others are nobody's business."""
    return (text(body, 'name', 'value') or '').lower() in QUOTAS


def parse_usage(body: Json) -> Optional[Usage]:
    """The usage in `body`; None where it does not hold both numbers."""
    name, used, limit = text(body, 'name', 'value'), count(body, 'currentValue'), count(body, 'limit')
    if name is None or used is None or limit is None:
        return None
    return Usage(name, id_segments(text(body, 'id')).get('subscriptions'), used, limit)


def tightest(usages: Sequence[Usage], subscription_id: Optional[str], names: Sequence[str]) -> Optional[Usage]:
    """The quota among `names` with the least room in that subscription; None where none was read."""
    found = [usage for usage in usages if usage.name.lower() in names and
             (usage.subscription_id or '').lower() in ('', (subscription_id or '').lower())]
    return min(found, key=lambda usage: usage.free, default=None)
