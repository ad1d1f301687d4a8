# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What is proposed as code: the smallest block that sets it, in each language that clusters are kept in.

Only what changes is in a block; IPs are whole, because one kind of them excludes the others. Every name from outside is
checked before it becomes code.
"""

import json
import re
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

from ..decision import Decision, Reason, Settings
from ..decision.new_addresses import NewAddress
from ..facts.clusters import MANAGED, PREFIXES, PUBLIC_IPS
from ..facts.ids import ArmId
from ..model.cluster import LoadBalancerProfile
from ..model.origin import ASO, BICEP, CAPZ, LANGUAGES, TERRAFORM, Origin

#: A name as Terraform and Bicep take it, and one of Kubernetes.
_IDENTIFIER = re.compile(r'[A-Za-z_][A-Za-z0-9_-]{0,200}')
_KUBERNETES_NAME = re.compile(r'[a-z0-9][a-z0-9.-]{0,250}')

#: API versions of blocks that stand alone, where the input names none. Source: Azure/azure-service-operator and
#: kubernetes-sigs/cluster-api-provider-azure.
_ASO_VERSION = 'containerservice.azure.com/v1api20240901'
_CAPZ_VERSION = 'infrastructure.cluster.x-k8s.io/v1beta1'
_ASO_ADDRESSES = {None: ('network.azure.com/v1api20201101', 'PublicIPAddress'),
                  PREFIXES: ('network.azure.com/v1api20220701', 'PublicIPPrefix')}
_BICEP_NETWORK = '2024-05-01'

#: Variables of Azure/aks/azurerm for attributes of the profile have this in front.
_PUBLIC_MODULE = 'Azure/aks/azurerm'
_MODULE_PREFIX = 'load_balancer_profile_'


class _Change(NamedTuple):
    """What changes, and the public IPs that are made for it. `ips` are the settings whose IPs are to be set, None where
    they stay; `gone` are the kinds of IPs that were set before, by their keys in ARM: one excludes the others. `first`:
    what the change starts from has no profile of the load balancer."""

    plain: Dict[str, Union[int, str]]
    ips: Optional[Settings]
    new: Tuple[NewAddress, ...]
    gone: Tuple[str, ...] = ()
    first: bool = False

    def is_new(self, resource_id: ArmId) -> bool:
        """Whether it has to be made."""
        return resource_id in {address.id for address in self.new}


def fragments(decision: Decision) -> Dict[str, Optional[str]]:
    """The blocks by language; null where nothing is to be set, or where a language has no words for it."""
    change, origin = _change(decision), decision.observed.origin
    if change is None:
        return dict.fromkeys(LANGUAGES)
    name = decision.cluster.name if decision.cluster else None
    wanted = LANGUAGES if origin is None else (origin.language,)
    return {language: _WRITERS[language](change, origin, name) if language in wanted else None
            for language in LANGUAGES}


def own_fragment(decision: Decision) -> Optional[str]:
    """The block in the language of the input; None where the input is no code, or nothing is to be set."""
    origin = decision.observed.origin
    return fragments(decision)[origin.language] if origin else None


def _change(decision: Decision) -> Optional[_Change]:
    base, proposed = decision.base, decision.proposed
    if decision.reason not in (None, Reason.MANAGED_BY_CODE) or proposed is None or proposed.settings is None:
        return None
    before, after = base.settings if base else None, proposed.settings
    keys = (('allocatedOutboundPorts', 'outbound_ports'), ('idleTimeoutInMinutes', 'idle_timeout_in_minutes'),
            ('backendPoolType', 'backend_pool_type'))
    started = before or Settings(outbound_ports=-1)
    plain = {key: getattr(after, field) for key, field in keys if getattr(after, field) != getattr(started, field)}
    was = decision.observed.before
    first = was is not None and was.profile == LoadBalancerProfile()
    if before is not None and before.ips == after.ips:
        return _Change(plain, None, (), first=first)
    kept = _kinds(after)
    gone = tuple(kind for kind in (_kinds(before) if before else ()) if kind not in kept)
    return _Change(plain, after, decision.new_addresses, gone, first)


def _kinds(settings: Settings) -> Tuple[str, ...]:
    """The kinds of IPs that are set, by their keys in ARM."""
    return tuple(kind for kind, is_set in (
        ('managedOutboundIPs', settings.managed_outbound_ip_count is not None and settings.ip_source != PUBLIC_IPS),
        ('outboundIPs', settings.outbound_ips or settings.unnamed_ips),
        ('outboundIPPrefixes', settings.outbound_ip_prefixes)) if is_set)


# Terraform

#: An attribute with its value, or a block with its lines.
_Entry = Tuple[str, Any]

_AZURERM_KINDS = {'managedOutboundIPs': 'managed_outbound_ip_count', 'outboundIPs': 'outbound_ip_address_ids',
                  'outboundIPPrefixes': 'outbound_ip_prefix_ids'}
_AZURERM_KEYS = {'allocatedOutboundPorts': 'outbound_ports_allocated',
                 'idleTimeoutInMinutes': 'idle_timeout_in_minutes', 'backendPoolType': 'backend_pool_type'}


def _terraform(change: _Change, origin: Optional[Origin], name: Optional[str]) -> str:
    address = origin.address or '' if origin else ''
    if '.azapi_' in f'.{address}':
        return _azapi(change, origin, address)
    made = [_terraform_address(address) for address in change.new]
    made += [f'# Remove {_AZURERM_KINDS[kind]}: it excludes what is set here. Plan again after the apply.'
             for kind in change.gone]
    if change.first:  # AZURE-FACTS section 1, the profile [I]
        made.append('# The state has no load_balancer_profile: see in the plan whether azurerm replaces the cluster.')
    entries = _azurerm_entries(change)
    if origin is not None and origin.module:
        return '\n'.join([*made, *_in_module(origin, entries, address)])
    label = _label(address) or _symbol(name)
    body = _hcl([('network_profile', _Block([('load_balancer_profile', _Block(entries))]))], 1)
    return '\n'.join([*made, f'resource "azurerm_kubernetes_cluster" "{label}" {{', *body, '}', ''])


class _Block(List[_Entry]):
    """The entries of a block."""


class _Raw(str):
    """An expression, as it stands."""


def _azurerm_entries(change: _Change) -> List[_Entry]:
    entries: List[_Entry] = []
    settings = change.ips
    if settings is not None and settings.ip_source == MANAGED:
        entries.append(('managed_outbound_ip_count', settings.managed_outbound_ip_count))
        if settings.managed_outbound_ipv6_count:
            entries.append(('managed_outbound_ipv6_count', settings.managed_outbound_ipv6_count))
    elif settings is not None:
        kinds = (('outbound_ip_address_ids', 'azurerm_public_ip', settings.outbound_ips),
                 ('outbound_ip_prefix_ids', 'azurerm_public_ip_prefix', settings.outbound_ip_prefixes))
        entries += [(key, [_Raw(f'{kind}.{_symbol(one.name)}.id') if change.is_new(one) else str(one) for one in ids])
                    for key, kind, ids in kinds if ids]
    # The provider spells the type of the backend pool with a capital.
    return entries + [(_AZURERM_KEYS[key], value[:1].upper() + value[1:] if isinstance(value, str) else value)
                      for key, value in change.plain.items()]


def _terraform_address(address: NewAddress) -> str:
    kind = 'azurerm_public_ip' if address.length is None else 'azurerm_public_ip_prefix'
    entries: List[_Entry] = [('name', address.id.name), ('resource_group_name', address.id.resource_group),
                             ('location', address.location or ''), ('sku', 'Standard')]
    entries.append(('allocation_method', 'Static') if address.length is None else ('prefix_length', address.length))
    return '\n'.join([f'resource "{kind}" "{_symbol(address.id.name)}" {{', *_hcl(entries, 1), '}', ''])


def _in_module(origin: Origin, entries: List[_Entry], address: str) -> List[str]:
    """A resource inside of a module cannot be pasted: the module takes it, or its code does."""
    module, source = origin.module or '', origin.module_source or ''
    call = _label(module)
    if source.startswith(_PUBLIC_MODULE) and call and module.count('module.') == 1:
        variables = [(f'{_MODULE_PREFIX}{key}', value) for key, value in entries if key != 'backend_pool_type']
        if len(variables) == len(entries):
            return [f'module "{call}" {{', *_hcl([(f'{_MODULE_PREFIX}enabled', _Raw('true')), *variables], 1), '}', '']
    where = ' '.join(address.split())[:200]
    return [f'# {where} is inside of a module: set this there, or by the variables of the module.',
            *_hcl([('network_profile', _Block([('load_balancer_profile', _Block(entries))]))], 0), '']


def _azapi(change: _Change, origin: Optional[Origin], address: str) -> str:
    """A body of ARM; until version 2 of the provider it is JSON in a string."""
    made = [_terraform_address(one) for one in change.new]
    made += [f'# Remove {kind}: it excludes what is set here.' for kind in change.gone]
    profile = _Object(_hcl_profile(change))
    body = _Object([('properties', _Object([('networkProfile', _Object([('loadBalancerProfile', profile)]))]))])
    version = re.search(r'[0-9]+', origin.version or '2') if origin else None
    encoded = version is not None and int(version.group()) < 2
    lines = _hcl([('body', body)], 1)
    if encoded:
        lines = [lines[0].replace('= {', '= jsonencode({'), *lines[1:-1], lines[-1] + ')']
    return '\n'.join([*made, f'resource "azapi_resource" "{_label(address) or "aks"}" {{', *lines, '}', ''])


class _Object(List[_Entry]):
    """The entries of an object."""


def _hcl_profile(change: _Change) -> List[_Entry]:
    return [(key, _as_object(value)) for key, value in _arm_profile(change, lambda one: _Raw(
        f'azurerm_public_ip{"_prefix" if _is_prefix(one) else ""}.{_symbol(one.name)}.id')).items()]


def _as_object(value: Any) -> Any:
    if isinstance(value, dict):
        return _Object([(key, _as_object(inner)) for key, inner in value.items()])
    return [_as_object(inner) for inner in value] if isinstance(value, list) else value


def _hcl(entries: Sequence[_Entry], depth: int) -> List[str]:
    """Lines as `terraform fmt` lays them out: the equals signs of neighbours below each other."""
    lines: List[str] = []
    indent = '  ' * depth
    simple = [key for key, value in entries if not isinstance(value, (_Block, _Object, list))]
    width = max(map(len, simple), default=0)
    for key, value in entries:
        if isinstance(value, _Block):
            lines += [f'{indent}{key} {{', *_hcl(value, depth + 1), f'{indent}}}']
        elif isinstance(value, _Object):
            lines += [f'{indent}{key} = {{', *_hcl(value, depth + 1), f'{indent}}}']
        elif isinstance(value, list):
            items = [line for one in value for line in _hcl_item(one, depth + 1)]
            lines += [f'{indent}{key} = [', *items, f'{indent}]']
        else:
            lines.append(f'{indent}{key.ljust(width)} = {_hcl_value(value)}')
    return lines


def _hcl_item(value: Any, depth: int) -> List[str]:
    indent = '  ' * depth
    if isinstance(value, _Object):
        return [f'{indent}{{', *_hcl(value, depth + 1), f'{indent}}},']
    return [f'{indent}{_hcl_value(value)},']


def _hcl_value(value: Any) -> str:
    if isinstance(value, _Raw) or not isinstance(value, str):
        return str(value)
    return json.dumps(value, ensure_ascii=False).replace('${', '$${').replace('%{', '%%{')


def _label(address: str) -> Optional[str]:
    """The label of a resource or of a module: the last name of its address without an index."""
    found = _IDENTIFIER.fullmatch(re.sub(r'\[[^\]]*\]$', '', address).rpartition('.')[2])
    return found.group() if found else None


def _symbol(name: Optional[str]) -> str:
    """A name as an identifier."""
    made = re.sub(r'[^A-Za-z0-9_]', '_', name or 'aks')
    return made if made[0].isalpha() else f'_{made}'


# Bodies of ARM

def _is_prefix(resource_id: ArmId) -> bool:
    return resource_id.type.endswith('prefixes')


def _arm_profile(change: _Change, reference: Any) -> Dict[str, Any]:
    """The profile in the spelling of ARM; `reference` says how an IP that is made in the same code is named."""
    body: Dict[str, Any] = dict(change.plain)
    settings = change.ips
    if settings is None:
        return body
    if settings.ip_source == MANAGED:
        body['managedOutboundIPs'] = {'count': settings.managed_outbound_ip_count}
        if settings.managed_outbound_ipv6_count:
            body['managedOutboundIPs']['countIPv6'] = settings.managed_outbound_ipv6_count
    for outer, key, ids in (('outboundIPs', 'publicIPs', settings.outbound_ips),
                            ('outboundIPPrefixes', 'publicIPPrefixes', settings.outbound_ip_prefixes)):
        if ids:
            body[outer] = {key: [{'id': reference(one) if change.is_new(one) else str(one)} for one in ids]}
    return body


def _bicep(change: _Change, _: Optional[Origin], __: Optional[str]) -> str:
    """What belongs into the properties of the cluster, and the public IPs as resources."""
    made = [line for address in change.new for line in _bicep_address(address)]
    made += [f'// Remove {kind}: it excludes what is set here.' for kind in change.gone]
    profile = _arm_profile(change, lambda one: _Raw(f'{_symbol(one.name)}.id'))
    body = {'networkProfile': {'loadBalancerProfile': profile}}
    return '\n'.join([*made, '// in the properties of the managed cluster', *_bicep_lines(body, 0), ''])


def _bicep_address(address: NewAddress) -> List[str]:
    kind = 'publicIPAddresses' if address.length is None else 'publicIPPrefixes'
    inner: Dict[str, Any] = {'publicIPAddressVersion': 'IPv4'}
    inner.update({'publicIPAllocationMethod': 'Static'} if address.length is None else {'prefixLength': address.length})
    body = {'name': address.id.name, 'location': address.location or '', 'sku': {'name': 'Standard'},
            'properties': inner}
    return [f"resource {_symbol(address.id.name)} 'Microsoft.Network/{kind}@{_BICEP_NETWORK}' = {{",
            *_bicep_lines(body, 1), '}', '']


def _bicep_lines(body: Dict[str, Any], depth: int) -> List[str]:
    lines: List[str] = []
    indent = '  ' * depth
    for key, value in body.items():
        if isinstance(value, dict):
            lines += [f'{indent}{key}: {{', *_bicep_lines(value, depth + 1), f'{indent}}}']
        elif isinstance(value, list):
            lines.append(f'{indent}{key}: [')
            for one in value:
                lines += [f'{indent}  {{', *_bicep_lines(one, depth + 2), f'{indent}  }}']
            lines.append(f'{indent}]')
        else:
            lines.append(f'{indent}{key}: {_bicep_value(value)}')
    return lines


def _bicep_value(value: Any) -> str:
    if isinstance(value, _Raw) or not isinstance(value, str):
        return str(value)
    escaped = value.replace('\\', '\\\\').replace("'", "\\'").replace('${', '\\${')
    return f"'{escaped}'"


# Objects of Kubernetes

def _aso(change: _Change, origin: Optional[Origin], name: Optional[str]) -> str:
    profile = {**dict.fromkeys(change.gone), **_arm_profile(change, lambda one: one)}
    for outer, key in (('outboundIPs', 'publicIPs'), ('outboundIPPrefixes', 'publicIPPrefixes')):
        for one in (profile.get(outer) or {}).get(key, ()):
            one['reference'] = _aso_reference(one.pop('id'))
    version = origin.version if origin and origin.version else _ASO_VERSION
    return _yaml([*map(_aso_address, change.new), _object(version, 'ManagedCluster', _object_name(origin, name), {
        'networkProfile': {'loadBalancerProfile': profile}})])


def _aso_reference(resource_id: str) -> Dict[str, str]:
    if not isinstance(resource_id, ArmId):
        return {'armId': resource_id}
    version, kind = _ASO_ADDRESSES[PREFIXES if _is_prefix(resource_id) else None]
    return {'group': version.partition('/')[0], 'kind': kind, 'name': resource_id.name.lower()}


def _aso_address(address: NewAddress) -> Dict[str, Any]:
    version, kind = _ASO_ADDRESSES[None if address.length is None else PREFIXES]
    spec: Dict[str, Any] = {
        'azureName': address.id.name, 'location': address.location or '',
        'owner': {'armId': address.id.partition('/providers/')[0]}, 'sku': {'name': 'Standard'},
        'publicIPAddressVersion': 'IPv4'}
    spec.update({'publicIPAllocationMethod': 'Static'} if address.length is None else {'prefixLength': address.length})
    return _object(version, kind, address.id.name.lower(), spec)


def _capz(change: _Change, origin: Optional[Origin], name: Optional[str]) -> Optional[str]:
    """IPs are plain values there, and IPv6 and the type of the backend pool cannot be set."""
    settings = change.ips
    if 'backendPoolType' in change.plain or (settings is not None and settings.managed_outbound_ipv6_count):
        return None
    profile: Dict[str, Any] = {**dict.fromkeys(change.gone), **change.plain}
    if settings is not None and settings.ip_source == MANAGED:
        profile['managedOutboundIPs'] = settings.managed_outbound_ip_count
    for key, ids in (('outboundIPs', settings.outbound_ips if settings else ()),
                     ('outboundIPPrefixes', settings.outbound_ip_prefixes if settings else ())):
        if ids:
            profile[key] = [str(one) for one in ids]
    version = origin.version if origin and origin.version else _CAPZ_VERSION
    return _yaml([*map(_aso_address, change.new), _object(version, 'AzureManagedControlPlane',
                                                          _object_name(origin, name),
                                                          {'loadBalancerProfile': profile})])


def _object(version: str, kind: str, name: str, spec: Dict[str, Any]) -> Dict[str, Any]:
    return {'apiVersion': version, 'kind': kind, 'metadata': {'name': name}, 'spec': spec}


def _object_name(origin: Optional[Origin], name: Optional[str]) -> str:
    """The name of the object in the input; of a cluster that was read its name, which it most often has there."""
    written = (origin.address or '').partition('/')[2] if origin else (name or 'aks').lower()
    found = _KUBERNETES_NAME.fullmatch(written)
    return found.group() if found else 'my-cluster'


def _yaml(documents: List[Dict[str, Any]]) -> str:
    import yaml  # only an answer with something to set pays for it
    # libyaml takes a fifth of the time, and writes the same of plain text: it breaks other lines of what it escapes.
    text = json.dumps(documents, ensure_ascii=False)
    plain = text.isascii() and '\\' not in text
    dumper = getattr(yaml, 'CSafeDumper', yaml.SafeDumper) if plain else yaml.SafeDumper
    return str(yaml.dump_all(documents, Dumper=dumper, sort_keys=False, default_flow_style=False))


_WRITERS = {TERRAFORM: _terraform, BICEP: _bicep, ASO: _aso, CAPZ: _capz}
