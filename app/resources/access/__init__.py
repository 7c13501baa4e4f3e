"""Who may use what: members, teams, access lists, invitations, and the explanation of permissions."""
