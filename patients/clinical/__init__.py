"""Clinical values: which quantities there are, how their values are read, checked, computed, selected and shown."""
