"""What people do about a complaint: journal first, call outside the transaction, believe only what the platform shows.

The way of a command: ``verbs`` (a person's act: may they, is it wise, then a row) -> ``journal`` (claim, states) ->
``speaking`` (a fresh read, the guards again, the call) -> ``proof`` (an unknown outcome is settled by reading).
"""
