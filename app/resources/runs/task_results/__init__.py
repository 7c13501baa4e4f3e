"""Results of run tasks: the requests to them, their answers, and how long those may take."""
