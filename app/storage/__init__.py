"""Storage for bytes that are too large or too secret for a plain column: states, images, and short secrets.

``keyring`` has the master keys and seals short texts; ``vault`` encrypts whole objects under them, into a ``store``
(``files``, or the bucket of ``objects``). ``rotation`` changes the master keys.
"""
