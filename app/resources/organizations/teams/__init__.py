"""Teams of an organization: their members, and what they may do in the whole organization."""
