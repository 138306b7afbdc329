"""``import resultant.compat.prefect`` makes ``import prefect`` lead here, so that Prefect 1 flows run unchanged.

It must come before everything that imports prefect. ``python -m resultant.compat.prefect FILE [ARGUMENT ...]`` runs a
script that way without touching it. The modules below ``prefect`` hold the same objects as this package; what Prefect 1
had and this package has not raises an :class:`~resultant.errors.UnsupportedError` that names the alternative.
"""

from __future__ import annotations

from resultant.compat.alias import install, is_active

__all__ = ["install", "is_active"]

if __name__ == "__main__":
    from resultant.compat.launch import main

    main()
else:
    install()
