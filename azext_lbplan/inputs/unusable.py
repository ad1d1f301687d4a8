# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What is said of a document that cannot be taken."""


class UnusableDocument(Exception):
    """A document that was read, but is not what is needed: what was recognised, as the rest of a sentence about the
    document ("holds no fleet"), and what would do."""

    def __init__(self, recognised: str, advice: str):
        super().__init__(recognised)
        self.recognised = recognised
        self.advice = advice


class Unrecognised(UnusableDocument):
    """A document that is of no known shape."""
