"""Shipped contract suites: derive from one to test a store, a serializer or an executor of your own."""
