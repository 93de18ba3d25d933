"""Benchmarks of the site's own machinery: `make bench` runs them and prints the tables."""
