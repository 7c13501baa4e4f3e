"""Errors. Each class has its status, title, code and text; a view only has to raise it.

ApiError
 ├── BadRequest 400 ── BadParameter (names the query parameter), BadHeader (names the header)
 ├── Unauthorized 401
 ├── Forbidden 403 ── ForceDeletionRefused
 ├── NotFound 404
 ├── NotAcceptable 406
 ├── Conflict 409 ── StillApplying
 ├── PreconditionFailed 412
 ├── UnsupportedMediaType 415
 ├── InvalidAttribute 422 (names the attribute) ── Taken
 ├── Unprocessable 422
 └── ServiceUnavailable 503

The titles and, where clients match on them, the details are those of HCP Terraform (spec: conventions, error
documents). 401 and 404 have no detail, so that the answer is the same for a forbidden resource and a missing one.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, Self


class ApiError(Exception):
    """Becomes an answer with an error document, which has one or more error objects."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "internal server error"
    code: ClassVar[str] = "internal-server-error"
    detail: str | None = None
    pointer: str | None = None
    parameter: str | None = None
    header: str | None = None
    # How many seconds to wait before the request is sent again; None if that would not help.
    seconds: int | None = None

    def __init__(
        self,
        detail: str | None = None,
        *,
        pointer: str | None = None,
        parameter: str | None = None,
        header: str | None = None,
    ) -> None:
        """``detail`` is for people; the others name what is at fault: a member, a query parameter or a header."""
        super().__init__(detail or self.title)
        self.detail = detail or self.detail
        self.pointer = pointer if pointer is not None else self.pointer
        self.parameter = parameter
        self.header = header or self.header

    def errors(self) -> list[dict[str, Any]]:
        """The error objects; ``status`` is text, as clients require."""
        error: dict[str, Any] = {"status": str(self.status), "title": self.title, "code": self.code}
        if self.detail:
            error["detail"] = self.detail
        # The empty pointer is the whole document.
        if self.pointer is not None:
            error["source"] = {"pointer": self.pointer}
        elif self.parameter:
            error["source"] = {"parameter": self.parameter}
        elif self.header:
            error["source"] = {"header": self.header}
        return [error]


class BadRequest(ApiError):
    """The request can't be read."""

    status = 400
    title = "bad request"
    code = "bad-request"


class BadParameter(BadRequest):
    """A query parameter has an invalid value."""

    code = "bad-parameter"


class BadHeader(BadRequest):
    """A header has an invalid value."""

    code = "bad-header"


class TooMuchIncluded(BadParameter):
    """The request asks to include more than one answer should hold. Clients look for the words "include parameter"."""

    code = "too-much-included"
    detail = "The include parameter asks for more than fits into one answer; ask for smaller pages, or leave it out"


class MalformedRequest(BadRequest):
    """The request is no valid HTTP, so the server could not read it."""

    code = "malformed-request"
    detail = "The request is not valid HTTP/1.1"


class Unauthorized(ApiError):
    """There is no token, or it is unknown, revoked or expired."""

    status = 401
    title = "unauthorized"
    code = "unauthorized"


class Forbidden(ApiError):
    """The caller can see the resource but may not do this. Used only where HCP Terraform answers 403."""

    status = 403
    title = "forbidden"
    code = "forbidden"


class ForceDeletionRefused(Forbidden):
    """Deleting by force takes more than the permission to delete. The text names the way that needs no force."""

    code = "force-deletion-refused"


class NotFound(ApiError):
    """The resource does not exist, or the caller may not know that it does."""

    status = 404
    title = "not found"
    code = "not-found"


class MethodNotAllowed(ApiError):
    """The address exists, but not with this method."""

    status = 405
    title = "method not allowed"
    code = "method-not-allowed"


class NotAcceptable(ApiError):
    """The client accepts no JSON:API, which is all that the service answers with."""

    status = 406
    title = "not acceptable"
    code = "not-acceptable"
    detail = "The answer is application/vnd.api+json, without extensions, which the header Accept excludes"


class Conflict(ApiError):
    """The current state of the resource does not allow this."""

    status = 409
    title = "conflict"
    code = "conflict"


class PreconditionFailed(ApiError):
    """The resource is not, or no longer, as the client has seen it."""

    status = 412
    title = "precondition failed"
    code = "precondition-failed"
    detail = "The resource has another ETag than If-Match names: it was changed meanwhile; read it again and retry"


class StillApplying(Conflict):
    """A run changes infrastructure, and its state would have no place any more."""

    code = "run-still-applying"
    detail = "A run is applying; wait for its end, or cancel it, and then delete"

    @classmethod
    def of(cls, run_id: str) -> Self:
        """The error about this run."""
        return cls(f"The run {run_id} is applying; wait for its end, or cancel it, and then delete")


class TooLarge(ApiError):
    """The body is longer than the service reads."""

    status = 413
    title = "payload too large"
    code = "payload-too-large"

    # How many bytes would have been read; None if that is unknown.
    limit: int | None = None

    @classmethod
    def beyond(cls, limit: int) -> Self:
        """The error for a body with more bytes than the limit."""
        error = cls(f"The body may have at most {limit} bytes here")
        error.limit = limit
        return error


class AddressTooLong(ApiError):
    """The address with its query is longer than the server reads."""

    status = 414
    title = "uri too long"
    code = "uri-too-long"
    detail = "The address with its query is longer than 8190 bytes; send fewer or shorter query parameters"


class UnsupportedMediaType(ApiError):
    """A request that changes something does not declare its body as JSON:API."""

    status = 415
    title = "unsupported media type"
    code = "unsupported-media-type"
    detail = "Content-Type must be application/vnd.api+json"


class ExpectationUnknown(ApiError):
    """The header Expect asks for something that the server does not do."""

    status = 417
    title = "expectation failed"
    code = "expectation-failed"
    detail = "Expect must be 100-continue, or be left out"


class HeadersTooLarge(ApiError):
    """The request has more or longer headers than the server reads."""

    status = 431
    title = "request header fields too large"
    code = "request-header-fields-too-large"
    detail = "The request has more than 100 headers, or one that is longer than 8190 bytes"


class TooManyRequests(ApiError):
    """The request was made too often; it works again after a while."""

    status = 429
    title = "Too many requests"
    code = "too-many-requests"

    seconds: int | None = 1

    @classmethod
    def for_seconds(cls, seconds: int) -> Self:
        """The error that says how long to wait."""
        error = cls()
        error.seconds = seconds
        return error


class RateLimitExceeded(TooManyRequests):
    """A token, or all those of an organization, send more requests a second than the operator allows."""

    code = "rate-limit-exceeded"
    detail = "You have exceeded the API's rate limit."


class TransferCodingUnknown(ApiError):
    """The body is sent in a transfer coding that the server does not know."""

    status = 501
    title = "not implemented"
    code = "not-implemented"
    detail = "Transfer-Encoding must be chunked, or be left out"


class ServiceUnavailable(ApiError):
    """The database can't be reached, or gave up on a conflict. The same request may succeed in a moment."""

    status = 503
    title = "service unavailable"
    code = "service-unavailable"
    # None if an operator must repair something first.
    seconds: int | None = 1


class StorageUnavailable(ServiceUnavailable):
    """The place for states and images can't be reached or refuses. With Retry-After it may pass by itself."""

    title = "storage unavailable"
    code = "storage-unavailable"
    detail = "The service can't reach what it keeps states and images in; the same request may be sent again later"
    seconds: int | None = None

    @classmethod
    def for_a_moment(cls) -> Self:
        """The error for a failure that may pass by itself."""
        error = cls()
        error.seconds = 5
        return error


class StoredUnreadable(ApiError):
    """A state or an image is lost, was changed, or needs a key that the service does not have; the log says which."""

    code = "stored-object-unreadable"
    detail = "What is stored for this can't be read; the operator will find the reason in the log"


class InvalidAttribute(ApiError):
    """An attribute or relationship of the document has an invalid value."""

    status = 422
    title = "invalid attribute"
    code = "invalid-attribute"


class Taken(InvalidAttribute):
    """A value that must be unique is in use already."""

    code = "taken"

    def __init__(self, member: str = "name") -> None:
        """``member`` is the attribute whose value is taken, with dashes, or ``relationships/…``."""
        group, _, name = member.rpartition("/")
        super().__init__(f"{humanized(name)} has already been taken", pointer=f"/data/{group or 'attributes'}/{name}")


class Unprocessable(ApiError):
    """The document can be read but not accepted: its shape is wrong, or several attributes contradict each other."""

    status = 422
    title = "unprocessable entity"
    code = "unprocessable-entity"


class Invalid(InvalidAttribute):
    """Several errors in one answer, one for each validation message."""

    def __init__(self, faults: Iterable[ApiError]) -> None:
        """``faults`` are the single errors, in the order in which they are shown."""
        self.faults = list(faults)
        super().__init__("; ".join(str(fault) for fault in self.faults))

    def errors(self) -> list[dict[str, Any]]:
        """The error objects of all faults."""
        return [error for fault in self.faults for error in fault.errors()]


def humanized(member: str) -> str:
    """The attribute's name as the beginning of a sentence: ``auto-destroy-at`` gives "Auto destroy at"."""
    words = member.replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]
