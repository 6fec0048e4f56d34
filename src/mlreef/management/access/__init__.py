"""Who is calling and what they may do: asked of the forge with the caller's own credential, decided by one function.

`guards` holds what routes depend on; `policy` is the table; jobs identify themselves by tokens that the forge signed.
"""
