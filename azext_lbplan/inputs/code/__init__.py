# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Infrastructure code: documents that describe clusters, turned into bodies of ARM before and after the change.

What a document does not tell is an Unknown in its body and a sentence in `unverified`; nothing is guessed.
"""
