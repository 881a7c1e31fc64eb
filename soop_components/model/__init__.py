"""The vocabulary of the model as frozen models, without input or output."""
