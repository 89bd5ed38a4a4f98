"""Where the files are, how ids become classes, how images are resized."""
