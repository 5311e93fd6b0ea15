"""Private servers for the end-to-end tests: each in a directory of its own, on loopback ports that nobody uses."""
