"""What goes wrong with a Redis server: it dies, it comes back, it holds garbage."""
