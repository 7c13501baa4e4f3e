"""Where bytes live that are too large or too secret for a plain column: state, and secrets of a few characters.

``secrets`` seals short texts, ``vault`` encrypts whole objects into a ``store`` (``files``); both under the master
keys of ``keyring``, which ``rotation`` changes.
"""
