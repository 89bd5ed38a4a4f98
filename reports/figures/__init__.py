"""Figures for print: pictures side by side and plots of result rows, each with its data."""
