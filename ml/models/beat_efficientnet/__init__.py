"""Six classes of heartbeat from a picture of one beat, by transfer learning."""
