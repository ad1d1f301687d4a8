"""The generated parts of README.md: the catalogues of rules, from the rules themselves.

    python3 tests/run.py python -m tests.readme      writes them
"""
import re
from pathlib import Path

from azext_lbplan.rules import cluster as checks, service as manifests

README = Path(__file__).resolve().parents[2] / 'README.md'
_PART = re.compile(r'(<!-- generated: (.+?) -->\n)(.*?)(<!-- end -->)', re.DOTALL)


def parts():
    """{name: Markdown} of every generated part."""
    return {'rules of check': checks.rules_table().strip(), 'rules of check-service': service_rules()}


def service_rules():
    """The rules on manifests as a table."""
    rows = [(f'`{rule.code}`', rule.severity, rule.what, rule.why, rule.source) for rule in manifests.RULES]
    return '\n'.join(['| Code | Severity | Finds | Why | Source |', '| --- | --- | --- | --- | --- |'] +
                     ['| ' + ' | '.join(cell.replace('|', '\\|') for cell in row) + ' |' for row in rows])


def generated(text):
    """`text` with its generated parts made anew."""
    made = parts()
    return _PART.sub(lambda part: f'{part[1]}{made[part[2]]}\n{part[4]}', text)


if __name__ == '__main__':
    README.write_text(generated(README.read_text(encoding='utf-8')), encoding='utf-8')
