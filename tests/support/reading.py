"""Bodies that know which of their keys are read: what a parser looks for, and what it finds."""


class Reads:
    """The paths that were asked for, in lower case, `*` for an element of a list: `agentpoolprofiles/*/count`."""

    def __init__(self):
        self.paths = set()

    def record(self, body, *path):
        """`body` as one that tells here what is read of it."""
        if isinstance(body, dict):
            return _Recorded(self, path, {key: self.record(value, *path, _folded(key)) for key, value in body.items()})
        if isinstance(body, list):
            return [self.record(item, *path, '*') for item in body]
        return body


class _Recorded(dict):
    def __init__(self, reads, path, content):
        super().__init__(content)
        self._reads, self._path = reads, path

    def _read(self, key):
        self._reads.paths.add('/'.join((*self._path, _folded(key))))

    def __contains__(self, key):
        self._read(key)
        return super().__contains__(key)

    def __getitem__(self, key):
        self._read(key)
        return super().__getitem__(key)

    def get(self, key, default=None):
        self._read(key)
        return super().get(key, default)


def _folded(key):
    return key.lower() if isinstance(key, str) else repr(key)


def table_paths(node, *path, raw=True):
    """The paths to the leaves, and to all on the way there, of a table such as `inputs.allowed.SNAPSHOT`; resources raw
    or as `az` flattens them."""
    from azext_lbplan.inputs.allowed import Either, Leaf, Resource
    if isinstance(node, Either):
        return set().union(*(table_paths(form, *path, raw=raw) for form in node.forms))
    if isinstance(node, Resource):
        node = {**node.outer, **({'properties': node.inner} if raw else node.inner)}
    found = {'/'.join(path)} - {''}
    if isinstance(node, list):
        found |= table_paths(node[0], *path, '*', raw=raw)
    elif not isinstance(node, Leaf):
        found |= set().union(*(table_paths(inner, *path, key.lower(), raw=raw) for key, inner in node.items()))
    return found


def strings(value, *path):
    """(path, text) of each text in a JSON value, keys and values."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key), key
            yield from strings(inner, *path, key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from strings(inner, *path, index)
