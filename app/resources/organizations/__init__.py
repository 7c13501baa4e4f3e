"""Organizations and what belongs to them as a whole: memberships, teams, agent pools, reserved tag keys."""
