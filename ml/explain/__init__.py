"""Where a model looked: class activation maps and the checks that they mean something."""
