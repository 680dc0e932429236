"""The REST API at ``/api/v1``: everything staff can do, by the same functions that the pages call.

``application`` puts it together; ``authentication`` tokens, scopes; ``problems`` errors as problem+json; ``paging``
keyset pages; ``shapes`` what goes in and out; the other files are the addresses, one subject each.
"""
