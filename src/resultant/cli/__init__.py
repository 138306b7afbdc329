"""The ``resultant`` command: one noun per file, each loaded when it is asked for."""
