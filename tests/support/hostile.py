"""Ids and names that nobody may have, made from right ones."""


def not_ids(right):
    """Texts that are no id, each with one thing wrong that would do harm in a line, a path or a count."""
    subscription, group, name = (right.split('/')[index] for index in (2, 4, 8))
    other_type = right.replace('Microsoft.Network/publicIPAddresses', 'Microsoft.Compute/virtualMachines').replace(
        'Microsoft.Network/publicIPPrefixes', 'Microsoft.Compute/virtualMachines')
    return ['', ' ', '@/etc/passwd', '@' + right, '-' + right, '--help', right + ',' + right, right + ',x', right + '/',
            right + '/..', right + '/more/x', right + ' ', right + '\n', right + '\x1b[31m', right + '\u202e',
            right + '\ufffd', right + '?x=1', right + '#', right + '%2e', right[1:], '/' + right, other_type,
            right.replace(group, '..'), right.replace(group, group + '.'), right.replace(group, "a'b"),
            right.replace(group, 'a b'), right.replace(group, ''), right.replace(subscription, '..'),
            right.replace(subscription, '@x'), right.replace(f'/{name}', '/-' + name), right.replace(f'/{name}', '/'),
            right.replace(f'/{name}', '/@x'), right.replace(f'/{name}', '/$(id)'), right.replace(f'/{name}', '/x' * 3),
            right.replace(f'/{name}', '/' + 'x' * 81), right.replace('/providers/', '/'), 'x' * 5000]


#: Names that want to be more than text in a report: markup, links, mentions, references, formulas, code, table cells,
#: other lines, and another direction of writing.
NAMES = (
    '<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '<!-- x', '</details>', '&lt;b&gt;', ']]>',
    '[safe](https://evil.example)', '![x](https://evil.example/x.png)', 'https://evil.example/a', 'www.evil.example',
    '@octocat', 'x@octocat please', '@org/team', 'a@evil.example', '#1', 'org/repo#1', 'GH-1', '!2', '```\n# Heading',
    '`code`', '~~~', '**bold**', '__x__', '~~gone~~', 'a|b|c', '\\|a', '| --- |', '- [ ] task', '1. one', '2) two',
    '+ x', '> quote', '# Heading', '===', '---', '$x$', '$$x$$', ':tada:', 'a\nb', 'a\r\n\r\nb', '\u202egnp.exe',
    'a\u200bb', '\x1b[31mred', '\x00', '\ud800', 'x' * 5000, '::error::x', '##vso[task.complete result=Succeeded;]',
    '${{ x }}', '`' * 40, '"\'', '=cmd|x', '[^1]', '[x]: https://evil.example', '<https://evil.example>', '\uffff')
