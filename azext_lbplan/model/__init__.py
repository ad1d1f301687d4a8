# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What was read and what was decided, as immutable records; parsed from raw ARM JSON, without any import of Azure."""
