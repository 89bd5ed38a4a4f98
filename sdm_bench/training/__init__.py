"""The loops that train, their checkpoints and averages."""
