"""One web page of label maps, photographs and samples side by side, to look through without a server."""
