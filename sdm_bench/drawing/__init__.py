"""A page to paint label maps on and see the edited picture, served on this machine alone."""
