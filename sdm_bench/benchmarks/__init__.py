"""What the program costs, beside a baseline in the same run: sampling steps, feature extraction, distances."""
