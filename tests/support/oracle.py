"""What the real Azure CLI and AKS make of the lines that are printed, in this process: the oracle of the decisions.

A line is taken apart by the CLI's own parser, the cluster is changed by its own `acs` module, and the stand-in for
AKS (tests.azure) refuses the result, or takes it and brings the load balancer in step. Nothing here knows the package.

    azure = Azure()
    cluster = azure.add_cluster(ports=21000)
    azure.refusal(cluster)          # 'Load balancer profile allocated ports 21000 is not in an allowable range ...'
    azure.run('az aks update --resource-group rg1 --name aks1 --load-balancer-managed-outbound-ip-count 2')
"""
import inspect
import json
import pickle
import shlex
import tempfile
from copy import copy
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

from azure.cli.core import AzCli, MainCommandsLoader
from azure.cli.core._help import AzCliHelp
from azure.cli.core.commands import AzCliCommandInvoker
from azure.cli.core.commands.events import EVENT_INVOKER_POST_LOAD_ARGUMENTS, EVENT_INVOKER_PRE_LOAD_ARGUMENTS
from azure.cli.core.parser import AzCliCommandParser
from azure.cli.core.profiles import ResourceType
from knack.events import EVENT_INVOKER_POST_CMD_TBL_CREATE

from tests.azure import aks_rules, ids
from tests.azure.aks import Aks
from tests.azure.balancer import members
from tests.azure.builders import Builders
from tests.azure.errors import ArmError
from tests.azure.network import PREFIX, PUBLIC_IP, Network

UPDATE = 'aks update'
NEW_IP = 'network public-ip create'
NEW_PREFIX = 'network public-ip prefix create'

#: [?] 16 own IPs are a limit of aks-engine and of the SDK's documentation: no refusal by AKS is on record.
_ANY_NUMBER = range(1, 601)


class Refused(Exception):
    """The CLI or AKS does not take a line; the text says why."""


class Azure(Builders):
    """The stand-in without its server: resources, `add_cluster` and the like, and what happens to them."""

    def __init__(self):
        self.resources = {}
        self.detached = []
        self.network = Network(self)
        self.aks = Aks(self)

    def put(self, body):
        """Keep a raw body; returns its id."""
        self.resources[body['id'].lower()] = body
        return body['id']

    def get(self, resource_id):
        """A copy of the raw body of a resource, or None."""
        body = self.resources.get(resource_id.lower())
        return None if body is None else json.loads(json.dumps(body))

    def remove(self, resource_id):
        """Take a resource away."""
        self.resources.pop(resource_id.lower(), None)

    def fork(self):
        """The same once more, to try something on."""
        return pickle.loads(pickle.dumps(self, pickle.HIGHEST_PROTOCOL))

    def refusal(self, cluster_id, with_network=True):
        """Why an update that changes nothing would be refused; None where it would not. `with_network` asks the
        network layer, too, which knows of the rules on outbound frontends."""
        body = self.get(cluster_id)
        try:
            with patch.object(aks_rules, 'OWN_IPS', _ANY_NUMBER):
                aks_rules.validate(body, body, self.resources)
            if with_network:
                aks_rules.check_rule_blocks(body, self.load_balancer(cluster_id), self._nodes(body), self.resources)
        except ArmError as error:
            return _words(error)
        return None

    def run(self, line):
        """Run a line of `az aks update` or `az network public-ip [prefix] create`. Raises Refused."""
        command, namespace = parse(line)
        doings = {UPDATE: self._update, NEW_IP: self._new_ip, NEW_PREFIX: self._new_prefix}
        try:
            with patch.object(aks_rules, 'OWN_IPS', _ANY_NUMBER):
                doings[command](namespace)
        except ArmError as error:
            raise Refused(_words(error)) from error

    def _nodes(self, body):
        return len(members(body, self.aks.extra_nodes.get(body['id'].lower(), 0)))

    def _update(self, namespace):
        params = {'subscription': _subscription(namespace), 'group': namespace.resource_group_name,
                  'name': namespace.name}
        cluster = self.get(ids.resource_id(params['subscription'], params['group'],
                                           'Microsoft.ContainerService/managedClusters', params['name']))
        if cluster is None:
            raise Refused(f'There is no cluster {params}.')
        self.aks.put_cluster(SimpleNamespace(params=params, json=_changed(cluster, namespace)))

    def _new_ip(self, namespace):
        self._make(PUBLIC_IP, self.network.put_address, _subscription(namespace), namespace.resource_group_name,
                   namespace.public_ip_address_name, {
                       'location': namespace.location, 'sku': {'name': namespace.sku, 'tier': namespace.tier or
                                                               'Regional'}, 'zones': namespace.zone,
                       'properties': {'publicIPAddressVersion': namespace.version,
                                      'publicIPAllocationMethod': namespace.allocation_method}})

    def _new_prefix(self, namespace):
        given = _aaz_values(namespace)
        group = self.resources.get(ids.group_id(_subscription(namespace), given['resource_group']).lower())
        self._make(PREFIX, self.network.put_prefix, _subscription(namespace), given['resource_group'], given['name'], {
            'location': given.get('location') or (group or {}).get('location'), 'zones': given.get('zone'),
            'sku': {'name': given.get('sku') or 'Standard', 'tier': given.get('tier') or 'Regional'},
            'properties': {'publicIPAddressVersion': given.get('version'), 'prefixLength': given.get('length')}})

    def _make(self, kind, put, subscription, group, name, body):
        """One that is there already would be changed: no line may do that."""
        if ids.resource_id(subscription, group, kind, name).lower() in self.resources:
            raise Refused(f'{name} exists already: the line would change it.')
        put(SimpleNamespace(params={'subscription': subscription, 'group': group, 'name': name}, json=body))


def _words(error):
    return error.body.get('message') or error.body['error']['message']


# the real Azure CLI

def parse(line):
    """(command, namespace) of a printed line, by the parser and the validators of the CLI. Raises Refused."""
    command, namespace = _parse(line)
    return command, copy(namespace)


@lru_cache(maxsize=4096)
def _parse(line):
    """The same for whoever leaves the namespace as it is: the lines of one cluster are often those of others."""
    program, *argv = shlex.split(line)
    command = ' '.join(argv[:next((at for at, word in enumerate(argv) if word.startswith('-')), len(argv))])
    if program != 'az' or command not in (UPDATE, NEW_IP, NEW_PREFIX):
        raise Refused(f'{line}: not a line of these.')
    invoker = _invoker(command)
    try:
        namespace = invoker.parser.parse_args(argv)
        namespace.cmd = namespace._cmd = namespace.func
        invoker._validation(namespace)  # what az runs
    except SystemExit as error:
        raise Refused(f'{line}: unknown to az {command}.') from error
    except Exception as error:
        raise Refused(f'{line}: {error}') from error
    return command, namespace


@lru_cache(maxsize=None)
def _invoker(command):
    """What `az` sets up for a command, up to where it would parse (AzCliCommandInvoker.execute)."""
    cli = AzCli(cli_name='az', config_dir=_config(), config_env_var_prefix='AZURE', help_cls=AzCliHelp,
                commands_loader_cls=MainCommandsLoader, invocation_cls=AzCliCommandInvoker,
                parser_cls=AzCliCommandParser)
    invoker = AzCliCommandInvoker(cli_ctx=cli, parser_cls=AzCliCommandParser, help_cls=AzCliHelp,
                                  commands_loader_cls=MainCommandsLoader)
    cli.invocation = invoker
    loader = invoker.commands_loader
    invoker.data['command_string'] = command
    loader.load_command_table(command.split())
    loader.command_table = {command: loader.command_table[command]}
    loader.command_table = loader.command_table  # as execute does: hands it to the loaders below
    loader.command_name = command
    cli.raise_event(EVENT_INVOKER_PRE_LOAD_ARGUMENTS, commands_loader=loader)
    loader.load_arguments(command)
    cli.raise_event(EVENT_INVOKER_POST_LOAD_ARGUMENTS, commands_loader=loader)
    cli.raise_event(EVENT_INVOKER_POST_CMD_TBL_CREATE, commands_loader=loader)
    invoker.parser.cli_ctx = cli
    invoker.parser.load_command_table(loader)
    return invoker


@lru_cache(maxsize=None)
def _folder():
    return tempfile.TemporaryDirectory(prefix='az-')


def _config():
    """A configuration of its own, which knows the subscriptions of the stand-in; it goes when Python ends."""
    folder = Path(_folder().name)
    (folder / 'azureProfile.json').write_text(json.dumps({'installationId': ids.PRINCIPAL, 'subscriptions': [
        {'id': one, 'name': one, 'state': 'Enabled', 'isDefault': one == ids.SUBSCRIPTION, 'tenantId': ids.TENANT,
         'environmentName': 'AzureCloud', 'user': {'name': 'tester', 'type': 'user'}}
        for one in (ids.SUBSCRIPTION, ids.OTHER_SUBSCRIPTION)]}), encoding='utf-8')
    return str(folder)


def _subscription(namespace):
    return getattr(namespace, '_subscription', None) or ids.SUBSCRIPTION


def _changed(cluster, namespace):
    """The body that `az aks update` would send: its own code on its own models."""
    from azure.cli.command_modules.acs.custom import aks_update
    from azure.cli.command_modules.acs.managed_cluster_decorator import AKSManagedClusterUpdateDecorator
    given = {name: getattr(namespace, name, default) for name, default in _defaults(aks_update).items()}
    decorator = AKSManagedClusterUpdateDecorator(namespace.cmd, None, given, ResourceType.MGMT_CONTAINERSERVICE)
    decorator.check_raw_parameters()
    model = decorator.models.ManagedCluster
    # The models were msrest's once, and are mappings now.
    body = model.deserialize(cluster) if hasattr(model, 'deserialize') else model(cluster)
    decorator.context.attach_mc(body)
    body = decorator.update_outbound_type_in_network_profile(body)
    body = decorator.update_load_balancer_profile(body)
    return body.serialize(keep_readonly=True) if hasattr(body, 'serialize') else body.as_dict()


@lru_cache(maxsize=None)
def _defaults(function):
    return {name: parameter.default for name, parameter in inspect.signature(function).parameters.items()}


def _aaz_values(namespace):
    """The values that a command of the newer kind makes of its arguments."""
    from azure.cli.core.aaz import AAZCommand
    command = namespace.func
    AAZCommand._handler(command, vars(namespace))  # reads them, and asks nobody
    return {name: value for name, value in command.ctx.args.to_serialized_data().items() if value is not None}
