"""The one training loop, its objectives, and what a command's options make of both."""
