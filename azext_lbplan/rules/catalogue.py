# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The rules of both catalogues as a page: README.md beside this file.

`python -m azext_lbplan.rules.catalogue` prints the page.
"""

from typing import Any, Iterable, List, Sequence

from .cluster import RULES as CLUSTER_RULES
from .engine import Rule
from .service import RULES as SERVICE_RULES

_HEAD = """# Rules

What `az aks lb check`, `plan` and `recommend` say of a cluster, and what `az aks lb check-service` says of manifests.
This page is made from the rules themselves: `python -m azext_lbplan.rules.catalogue`.

A severity is about consequence. **error**: Azure or Kubernetes refuses it, or connections fail now. **warning**: it
will fail at a scale that the cluster may reach, cuts live connections, breaks allow-lists, or is retired. **info**:
worth knowing. A rule may be milder than it says here, where the case is.
"""


def page() -> str:
    """The page, in Markdown."""
    return '\n'.join([_HEAD, '## Clusters', '', *_table(CLUSTER_RULES, with_commands=True), '', '## Services', '',
                      *_table(SERVICE_RULES, with_commands=False), ''])


def _table(rules: Iterable[Rule[Any]], with_commands: bool) -> List[str]:
    columns = ['Code', 'Severity', *(['Given by'] if with_commands else []), 'Finds', 'Why', 'Source']
    rows: List[Sequence[str]] = [columns, ['---'] * len(columns)]
    for rule in rules:
        commands = [', '.join(f'`{command}`' for command in rule.commands)] if with_commands else []
        rows.append([f'`{rule.code}`', rule.severity, *commands,
                     *(text.replace('|', '\\|') for text in (rule.title, rule.why, rule.source))])
    return [f"| {' | '.join(row)} |" for row in rows]


if __name__ == '__main__':
    print(page(), end='')
