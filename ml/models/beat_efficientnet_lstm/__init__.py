"""Six classes of heartbeat: features of transfer learning, read column by column by an LSTM."""
