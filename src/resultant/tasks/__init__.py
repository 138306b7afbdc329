"""Ready-made tasks: control flow, resource managers and secrets."""
