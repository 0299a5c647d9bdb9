"""Class of every heartbeat of a recording: a residual network on the signal around it and on its rhythm."""
