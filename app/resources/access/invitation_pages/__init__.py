"""The pages that the link of an invitation opens in a browser."""
