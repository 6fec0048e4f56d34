"""Webhooks: what happened in a project, told to its hooks after the commit, at least once.

`outbox` writes deliveries in the transaction of the change itself; `sending` carries them out; `guard` decides which
addresses may be spoken to.
"""
