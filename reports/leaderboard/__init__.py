"""Bundles of somebody's results, checked, and the leaderboard that is made of all of them."""
