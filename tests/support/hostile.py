"""Ids and names that nobody may have, made from right ones."""


def NOT_IDS(right):  # pylint: disable=invalid-name  # a table with a parameter
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
