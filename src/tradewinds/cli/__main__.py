"""`python -m tradewinds.cli`, which is what the launcher runs."""

import sys

from tradewinds.cli.entry import main

sys.exit(main())
