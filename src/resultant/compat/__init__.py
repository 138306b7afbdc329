"""Running flows that were written for Prefect 1: names translated, no behaviour of its own."""
