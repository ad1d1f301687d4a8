# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What is wrong or risky: one engine, and the catalogues of rules on clusters and on Services."""
