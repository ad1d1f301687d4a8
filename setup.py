# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Builds the Azure CLI extension `lbplan`: a pure wheel that needs nothing beyond what the CLI ships."""

from setuptools import find_packages, setup

setup(
    name='lbplan',
    version='1.0.0b1',
    description='Plans SNAT ports, outbound IPs and idle timeout of AKS clusters on a Standard Load Balancer.',
    # No README here: `az` parses this text up to 14 times for every command under `az aks`, whoever's it is.
    long_description='az aks lb plan, recommend, show, check, check-service and list.',
    license='MIT',
    author='the lbplan developers',
    classifiers=['Programming Language :: Python :: 3', 'License :: OSI Approved :: MIT License'],
    python_requires='>=3.9',
    packages=find_packages(include=['azext_lbplan', 'azext_lbplan.*']),
    package_data={'azext_lbplan': ['azext_metadata.json']},
)
