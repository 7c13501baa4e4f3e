"""The page that the link of an invitation opens in a browser."""
