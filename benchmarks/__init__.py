"""What `make bench` measures: ratios within one run on one machine, never a test's assertion."""
