"""Backups: one file with the rows of the database and the stored objects as they were at one moment.

``archive`` is the form of the file, ``encryption`` seals it. ``creating``, ``restoring`` and ``verifying`` are the
three commands, and ``drill`` does the first and the last again and again.
"""
