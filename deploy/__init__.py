"""Running CardioCare: private servers, supervision, and the commands behind `make`."""
