"""Whether what a model was trained to write is what its grammar allows, found by writing with its own chat template."""
