"""Makes the model files that ship out of finished runs."""
