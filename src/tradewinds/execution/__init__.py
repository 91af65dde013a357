"""From permission to flat: orders, round trips, resting stops and basket legs.

In: ApprovedOrder, venue reports, instruments.
Out: what to submit and cancel next; the state of every order and round trip.
Never: more risk than was approved; a blind resend; a position without a stop that it could have.
"""
