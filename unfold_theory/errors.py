"""The one error that a user of the package or of the command line is meant to read."""


class InputError(ValueError):
    """Input that the package cannot work with: names the cause and the remedy.

    The command line prints it as one line and exits with code 2.
    """

    def __init__(self, cause: str, remedy: str):
        super().__init__(f"{cause}. {remedy}")
        self.cause = cause
        self.remedy = remedy

    def __reduce__(self) -> tuple:
        """Errors travel between worker processes with cause and remedy."""
        return _rebuilt, (type(self), self.cause, self.remedy)


class MissingStructure(InputError):
    """A network or problem lacks what a bound or a claim needs (``X cannot be used with Y: it lacks Z``)."""

    def __init__(self, subject: str, purpose: str, lacks: str, remedy: str = "Use a component that declares it"):
        super().__init__(f"{subject} cannot be used with {purpose}: it lacks {lacks}", remedy)


def _rebuilt(kind: type[InputError], cause: str, remedy: str) -> InputError:
    made = kind.__new__(kind)
    InputError.__init__(made, cause, remedy)
    return made
