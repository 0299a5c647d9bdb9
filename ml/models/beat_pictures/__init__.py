"""What every model of a picture of one heartbeat shares: pictures, fitting, calibration, training of what is shipped."""
