"""What may go wrong while a model is asked, in words, and whether another try may help."""

from __future__ import annotations


class Fault(Exception):
    """A model did not answer; the text says why. Another try may not help."""


class Again(Fault):
    """Worth another try, not before `after_s` seconds."""

    def __init__(self, text: str, after_s: float = 0.0):
        super().__init__(text)
        self.after_s = after_s


def fault_of(error: Exception) -> Fault:
    """Whatever the client library raised, as a fault; a fault stays as it is."""
    import httpx
    import openai

    if isinstance(error, Fault):
        return error
    if isinstance(error, openai.APIStatusError):
        status = error.status_code
        if status == 429:
            return Again("too many requests (429)", _retry_after_s(error.response))
        if status in (408, 409) or status >= 500:
            return Again(f"the server failed ({status})", _retry_after_s(error.response))
        return Fault(f"the server refused the request ({status})")
    if isinstance(error, openai.APITimeoutError | httpx.TimeoutException):
        return Again("the server took too long")
    if isinstance(error, openai.APIConnectionError | httpx.TransportError):
        return Again("the connection failed")
    return Fault(f"the server's answer could not be read ({type(error).__name__})")


def _retry_after_s(response: object) -> float:
    value = getattr(response, "headers", {}).get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        return 0.0
