"""Leaving and arriving: what a project or an organization has, as one archive, and carried into another service.

Everything is read and written by the API, here in the same process, elsewhere over HTTP. So what is carried is what the
API shows, and what it accepts: one form for an archive, for another Groundplan, and for HCP Terraform and its likes.
"""
