"""x"""


def openapi_document(app):
    return {}
