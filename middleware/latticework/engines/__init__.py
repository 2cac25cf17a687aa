"""What runs the model. `base.py` says what the layer above needs of an engine; the rest are engines."""
