"""Sets of policies: where policies count."""
