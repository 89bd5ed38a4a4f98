"""What the program is put through for long: run by hand, see CONTRIBUTING; a small part of each is in the suite."""
