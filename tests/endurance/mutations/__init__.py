"""How much of the numeric code the tests judge: small changes, one at a time, and which of them live."""
