# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Documents from elsewhere, recognised and bounded, before anything is believed of them."""
