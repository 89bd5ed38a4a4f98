"""The evaluation networks, as MMSegmentation models."""
