"""The law: code that no model, mandate or setting can talk around.

In: sized wishes, a read-only RiskView, limits in money.
Out: ApprovedOrder or Refusal; a TradingState.
Never: I/O, a guess where a figure is missing, or an order larger than the limits allow.
"""
