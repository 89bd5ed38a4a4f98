"""The user study: a blind page of pairs of pictures, a server that takes its answers, and what they say together."""
