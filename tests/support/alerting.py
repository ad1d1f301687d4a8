"""Azure's alert rules evaluated on a simulated workload, minute by minute: what a condition is not split by is averaged
(or, for a total, added up), over time and over dimensions (facts §4)."""
from itertools import accumulate

MINUTES = {'PT1M': 1, 'PT5M': 5, 'PT15M': 15}


def fired(rule, workload):
    """The minutes since the start of `workload` at which the rule, a body of ARM, is above its threshold."""
    properties = rule['properties']
    window, every = (MINUTES[properties[key]] for key in ('windowSize', 'evaluationFrequency'))
    criterion, = properties['criteria']['allOf']
    found = set()
    for length, total, count in _series(criterion, workload):
        for end in range(every, length + 1, every):
            start = max(0, end - window)
            value, points = total[end] - total[start], count[end] - count[start]
            if points and _above(criterion, value, points):
                found.add(end)
    return sorted(found)


def _above(criterion, value, points):
    assert criterion['operator'] == 'GreaterThan'
    value = value / points if criterion['timeAggregation'] == 'Average' else value
    return value > criterion['threshold']


def _series(criterion, workload):
    """For each combination of the split dimensions: minutes, and running sums of values and of points."""
    split = {one['name']: one['values'] for one in criterion['dimensions']}
    groups = {}
    for dimensions, first, values in workload.samples(criterion['metricName']):
        if all('*' in admitted or dimensions[name] in admitted for name, admitted in split.items()):
            groups.setdefault(tuple(dimensions[name] for name in split), []).append((first - workload.start, values))
    for parts in groups.values():
        length = max(first + len(values) for first, values in parts)
        total, count = [0] * length, [0] * length
        for first, values in parts:
            for minute, value in enumerate(values, first):
                if value is not None:
                    total[minute] += value
                    count[minute] += 1
        yield length, [0, *accumulate(total)], [0, *accumulate(count)]
