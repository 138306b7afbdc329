"""``python -m resultant.cli`` is the ``resultant`` command."""

from __future__ import annotations

from resultant.cli.main import main

main()
