"""Six classes of heartbeat from a 64x64 picture of one beat: Normal, LBBB, RBBB, PAC, PVC, VF."""
