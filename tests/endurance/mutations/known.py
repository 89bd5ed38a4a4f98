"""Changes that live because they break no promise: "<path>: <line before> -> <line after>", with the reason."""

EQUIVALENT: dict[str, str] = {}
