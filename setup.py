# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Builds the Azure CLI extension `lbplan`: a pure wheel that needs nothing beyond what the CLI ships.

The same source gives the same wheel, to the bit: `bdist_wheel` stamps all files with SOURCE_DATE_EPOCH.
"""

import os

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

os.environ.setdefault('SOURCE_DATE_EPOCH', '1767225600')  # 2026-01-01
os.umask(0o022)


class Build(build_py):
    """Gives all files the mode that they have in the repository, whatever they have in a checkout."""

    def run(self):
        super().run()
        for path in ['LICENSE', *self.get_outputs(include_bytecode=False)]:
            os.chmod(path, 0o644)


setup(
    name='lbplan',
    version='1.0.0b1',
    description='Plans SNAT ports, outbound IPs and idle timeout of AKS clusters on a Standard Load Balancer.',
    # No README here: `az` parses this text up to 14 times for every command under `az aks`, whoever's it is.
    long_description='az aks lb show, plan, recommend, check, list, check-service and list-rules.',
    license='MIT',
    author='the lbplan developers',
    # Where extensions of the Azure CLI are published from.
    url='https://github.com/Azure/azure-cli-extensions/tree/main/src/lbplan',
    classifiers=[
        'Development Status :: 4 - Beta',
        'Environment :: Console',
        'Intended Audience :: Developers',
        'Intended Audience :: System Administrators',
        'License :: OSI Approved :: MIT License',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3 :: Only',
        'Programming Language :: Python :: 3.9',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Programming Language :: Python :: 3.13',
        'Topic :: System :: Networking',
    ],
    python_requires='>=3.9',
    packages=find_packages(include=['azext_lbplan', 'azext_lbplan.*']),
    package_data={'azext_lbplan': ['azext_metadata.json']},
    cmdclass={'build_py': Build},
)
