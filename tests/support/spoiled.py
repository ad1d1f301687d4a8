"""Metrics as they are on a bad day: points that are missing, connections that are pending, ports awaiting removal."""
import random
from dataclasses import dataclass

from tests.support.workload import Workload


def missing(share, alike=False, seed=0, only=lambda name, query: True):
    """For Asked: answers without that `share` of their points, of each series on its own, or `alike` in all of them.

    `only` chooses the series: by (metric and dimensions, in one text; the query)."""
    def spoil(body, query):
        for metric in body['value']:
            for series in metric['timeseries']:
                name = ' '.join([metric['name']['value'], *(one['value'] for one in series['metadatavalues'])])
                if only(name, query):
                    series['data'] = [point for point in series['data'] if not _lost(
                        share, f'{seed}/{body["interval"]}/{point["timeStamp"]}' + ('' if alike else f'/{name}'))]
        return body
    return spoil


def _lost(share, key):
    return random.Random(key).random() < share


@dataclass
class Pending(Workload):
    """A workload with as many connections pending as were successful."""

    def samples(self, metric):
        for dimensions, first, values in super().samples(metric):
            yield dimensions, first, values
            if dimensions.get('ConnectionState') == 'Successful':
                yield {**dimensions, 'ConnectionState': 'Pending'}, first, values


@dataclass
class Awaiting(Workload):
    """A workload with ports that await removal: on the frontend of each series, and on one that is about to go."""

    def samples(self, metric):
        for dimensions, first, values in super().samples(metric):
            yield dimensions, first, values
            if metric != 'SnatConnectionCount':
                gone = [None if value is None else value // 3 for value in values]
                for frontend in (dimensions['FrontendIPAddress'], '20.0.0.99'):
                    yield {**dimensions, 'FrontendIPAddress': frontend, 'IsAwaitingRemoval': 'true'}, first, gone
