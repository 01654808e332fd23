"""The one exception that a user is meant to read."""


class UserError(Exception):
    """A mistake in the input: one sentence that names the file or the key, and the mend."""
