# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The ground floor: Azure's arithmetic, words, names, limits, defaults and links, each with its source."""
