"""The suite's members, one folder each: network, training, evaluation, and the trained artefact beside them."""
