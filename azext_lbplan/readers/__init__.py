# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The only folder that talks to Azure and to the file system."""
