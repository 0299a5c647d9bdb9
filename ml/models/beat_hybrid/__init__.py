"""Six classes of heartbeat: convolutions for the shape, a recurrent layer for its course."""
