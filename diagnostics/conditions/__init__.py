"""The condition library: what each label of the suite means, for doctors and in plain words, with sources and history."""
