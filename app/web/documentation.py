"""x"""


def install(app):
    pass
