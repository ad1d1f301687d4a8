"""Small documents as `terraform show -json` writes them."""

CLUSTER_ID = ('/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg1/providers/'
              'Microsoft.ContainerService/managedClusters/aks1')


def cluster(ports=1024, ips=1, pools=3, **more):
    """Attributes of an azurerm_kubernetes_cluster, version 4."""
    profile = {'outbound_ports_allocated': ports, 'managed_outbound_ip_count': ips, 'idle_timeout_in_minutes': 30,
               'outbound_ip_address_ids': None, 'outbound_ip_prefix_ids': None}
    return {'id': CLUSTER_ID, 'name': 'aks1', 'resource_group_name': 'rg1', 'location': 'westeurope',
            'kubernetes_version': '1.31', 'default_node_pool': [{
                'name': 'system', 'node_count': pools, 'auto_scaling_enabled': None, 'upgrade_settings': []}],
            'network_profile': [{'load_balancer_sku': 'standard', 'outbound_type': 'loadBalancer',
                                 'load_balancer_profile': [profile]}], **more}


def node_pool(name='batch', count=2, most=None, surge=None, owner=CLUSTER_ID, **more):
    """Attributes of an azurerm_kubernetes_cluster_node_pool."""
    return {'name': name, 'mode': 'User', 'priority': 'Regular', 'node_count': count, 'max_count': most,
            'auto_scaling_enabled': most is not None, 'kubernetes_cluster_id': owner,
            'upgrade_settings': [{'max_surge': surge}] if surge else [], **more}


def change(address, before, after, unknown=None, actions=None, **more):
    """An entry of `resource_changes`; `address` may begin with modules and end with an index."""
    module, _, rest = address.rpartition('.azu') if '.azu' in address else ('', '', address)
    kind, name = (f'azu{rest}' if module else rest).split('[')[0].split('.')[:2]
    actions = actions or (['create'] if before is None else ['delete'] if after is None else
                          ['no-op'] if before == after else ['update'])
    entry = {'address': address, 'mode': 'managed', 'type': kind, 'name': name,
             'change': {'actions': actions, 'before': before, 'after': after, 'after_unknown': unknown or {}, **more}}
    if module:
        entry['module_address'] = module
    return entry


def plan(*changes, configuration=None):
    """A plan."""
    return {'format_version': '1.2', 'terraform_version': '1.11.4', 'resource_changes': list(changes),
            'configuration': {'root_module': configuration or {}}}


def state(*resources, children=()):
    """A state; `resources` are (address, values)."""
    return {'format_version': '1.0', 'terraform_version': '1.11.4', 'values': {'root_module': {
        'resources': [{'address': address, 'mode': 'managed', 'type': address.split('.')[0],
                       'name': address.split('.')[1], 'values': values} for address, values in resources],
        'child_modules': list(children)}}}


def reference(address, **references):
    """A resource of a configuration, its attributes by what they refer to."""
    return {'address': address, 'mode': 'managed', 'type': address.split('.')[0], 'name': address.split('.')[1],
            'expressions': {name: {'references': found} for name, found in references.items()}}
