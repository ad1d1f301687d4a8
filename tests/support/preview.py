"""A stand-in for the extension aks-preview, which is not to be had without the network.

Like that one it registers commands of `az aks` anew, new commands beside them and the help of the group, is marked as
a preview, and is loaded before us: the order is that of the names.
"""
import json
import zipfile
from pathlib import Path

NAME = 'aks_preview-18.0.0b1'

_LOADER = '''
from azure.cli.core import AzCommandsLoader
from azure.cli.core.commands import CliCommandType
from knack.help_files import helps

helps['aks'] = """
type: group
short-summary: Commands to manage Azure Kubernetes Service, in preview.
"""
helps['aks loadbalancer'] = """
type: group
short-summary: Commands to manage load balancer configurations.
"""


class ContainerServiceCommandsLoader(AzCommandsLoader):
    def __init__(self, cli_ctx=None):
        super().__init__(cli_ctx=cli_ctx,
                         custom_command_type=CliCommandType(operations_tmpl='azext_aks_preview.custom#{}'))

    def load_command_table(self, args):
        super().load_command_table(args)
        with self.command_group('aks', is_preview=True) as group:
            group.custom_show_command('show', 'aks_show')
        with self.command_group('aks loadbalancer') as group:
            group.custom_command('list', 'aks_loadbalancer_list')
        return self.command_table

    def load_arguments(self, command):
        super().load_arguments(command)
        with self.argument_context('aks') as context:
            context.argument('name', options_list=['--name', '-n'], help='Name of the managed cluster.')


COMMAND_LOADER_CLS = ContainerServiceCommandsLoader
'''

_HANDLERS = '''
def aks_show(cmd, resource_group_name, name):
    return {'shown': 'by aks-preview', 'name': name}


def aks_loadbalancer_list(cmd, resource_group_name, name):
    return ['kubernetes']
'''


def build(folder):
    """The path of the wheel."""
    info = f'{NAME}.dist-info'
    files = {
        'azext_aks_preview/__init__.py': _LOADER, 'azext_aks_preview/custom.py': _HANDLERS,
        'azext_aks_preview/azext_metadata.json': json.dumps({'azext.isPreview': True,
                                                             'azext.minCliCoreVersion': '2.67.0'}),
        f'{info}/METADATA': 'Metadata-Version: 2.1\nName: aks-preview\nVersion: 18.0.0b1\n',
        f'{info}/WHEEL': 'Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
        f'{info}/top_level.txt': 'azext_aks_preview\n'}
    path = Path(folder, f'{NAME}-py3-none-any.whl')
    with zipfile.ZipFile(path, 'w') as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
        wheel.writestr(f'{info}/RECORD', ''.join(f'{name},,\n' for name in [*files, f'{info}/RECORD']))
    return path
