"""One tree of errors.

    FirstsightError
    ├── UsageError                a call or an option that cannot be meant
    ├── OutputFailed              an answer that could not be written
    ├── ImageError                a picture that cannot be read
    │   ├── ImageMissing          no such file, a folder, or not allowed
    │   ├── ImageUnreadable       not an image, truncated, empty
    │   └── ImageTooLarge         more bytes or pixels than the limits allow
    ├── FaceError                 a picture without the face that was asked for
    │   ├── NoFace
    │   ├── SeveralFaces
    │   └── PoorQuality
    ├── ModelError                a model that cannot be opened
    │   ├── UnknownModel
    │   ├── ModelMissing          its package or file is not installed
    │   ├── ModelDamaged          its bytes are not the ones we know
    │   └── NotCalibrated         no threshold for the rate asked for
    ├── DataError                 a data set that is not as published
    ├── TrainingError
    │   ├── RecipeError           a recipe that cannot be meant
    │   ├── CheckpointError       of another recipe, damaged, or not written
    │   └── TrainingStopped       a run that a monitor ended
    ├── GalleryError
    │   ├── GalleryUnavailable    cannot be opened, read, written; disk full
    │   │   ├── GalleryMissing    there is none yet
    │   │   └── ChangeUncertain   a change that was made, or not: nobody heard
    │   ├── GalleryCorrupt
    │   ├── GalleryTooNew         written by a later version
    │   ├── GalleryBusy           another process holds it too long
    │   ├── GalleryLocked         encrypted, and the key is missing or wrong
    │   ├── ModelMismatch         made with another model
    │   ├── InvalidName
    │   ├── NameTaken
    │   ├── NoSuchPerson
    │   └── NoSuchTemplate
    └── ServiceError              a service that cannot do what was asked
        ├── Unauthorized          no key, or one that it does not know
        ├── Forbidden             the key's role does not allow it
        ├── RateLimited           more requests than the key may make
        ├── Overloaded            more work than it takes on at once
        ├── ServiceUnavailable    cannot be reached, or does not answer in time
        ├── NoSuchAddress
        ├── NoSuchJob
        ├── BodyTooLarge
        └── BodyMalformed         fields that are missing or cannot be read

Every error carries a stable ``code`` for machines, an exit status for the command line and an HTTP
status for the service, so that each surface reports it in its own way without a table of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


class FirstsightError(Exception):
    """Base of everything that firstsight raises on purpose.

    ``message`` says what happened, and with which file; ``hint`` says what to do about it.
    """

    code: ClassVar[str] = "error"
    exit_status: ClassVar[int] = 2
    http_status: ClassVar[int] = 400

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class UsageError(FirstsightError):
    """A call, option or value that cannot be meant."""

    code = "usage"


class OutputFailed(FirstsightError):
    """The answer could not be written to where it was to go: the disk is full, or nobody reads it."""

    code = "output_failed"
    http_status = 500


class ImageError(FirstsightError):
    """A picture that cannot be read."""

    code = "image"
    http_status = 422


class ImageMissing(ImageError):
    """There is no file at that path, or it is a folder, or reading it is not allowed."""

    code = "image_missing"
    http_status = 404


class ImageUnreadable(ImageError):
    """The bytes are not a picture in a format that we read, or end too soon."""

    code = "image_unreadable"
    http_status = 415


class ImageTooLarge(ImageError):
    """More bytes or pixels than the limits allow; told from the header, before decoding."""

    code = "image_too_large"
    http_status = 413


class FaceError(FirstsightError):
    """The picture is fine, the face that was asked for is not."""

    code = "face"
    http_status = 422


class NoFace(FaceError):
    """No face was found."""

    code = "no_face"


class SeveralFaces(FaceError):
    """More than one face where exactly one is needed."""

    code = "several_faces"

    def __init__(self, message: str, *, hint: str = "", boxes: Sequence[Any] = ()) -> None:
        super().__init__(message, hint=hint)
        self.boxes = tuple(boxes)
        """Where they are (``faces.Box``), for who shows them; empty where it is not known."""


class PoorQuality(FaceError):
    """The face is too small, blurred, dark, bright or turned to enrol from."""

    code = "poor_quality"


class ModelError(FirstsightError):
    """A model that cannot be opened or used."""

    code = "model"
    http_status = 500


class UnknownModel(ModelError):
    """No model of that name."""

    code = "unknown_model"
    http_status = 404


class ModelMissing(ModelError):
    """The package or file that carries the weights is not installed."""

    code = "model_missing"


class ModelDamaged(ModelError):
    """The weights are not the ones whose digest we know."""

    code = "model_damaged"


class NotCalibrated(ModelError):
    """The model's calibration holds no threshold for the rate that was asked for."""

    code = "not_calibrated"
    http_status = 422


class DataError(FirstsightError):
    """A data set or list that is missing or not as published."""

    code = "data"


class TrainingError(FirstsightError):
    """A training run that cannot begin or go on."""

    code = "training"


class RecipeError(TrainingError):
    """A recipe with an unknown key, a value of another type, or one that no run could do."""

    code = "recipe"


class CheckpointError(TrainingError):
    """A checkpoint of another recipe, a damaged one, or one that could not be written."""

    code = "checkpoint"


class TrainingStopped(TrainingError):
    """A monitor ended the run: it could not have come to anything."""

    code = "training_stopped"


class GalleryError(FirstsightError):
    """A gallery that cannot do what was asked."""

    code = "gallery"
    http_status = 500


class GalleryUnavailable(GalleryError):
    """The file cannot be opened, read or written, or the disk is full."""

    code = "gallery_unavailable"
    http_status = 503


class GalleryMissing(GalleryUnavailable):
    """There is no gallery at that place, but there could be one."""

    code = "gallery_missing"


class ChangeUncertain(GalleryUnavailable):
    """A change was made whole or not at all, and nobody heard which.

    Not a 503, after which clients ask again by themselves: the change may stand, and would be made twice.
    """

    code = "change_uncertain"
    http_status = 500
    advice: ClassVar[str] = (
        "The change was made whole or not at all. See whether it is there before you make it again."
    )

    def __init__(self, message: str, *, hint: str = "") -> None:
        # Whoever words it anew, as the service does: the advice is the main thing.
        super().__init__(message, hint=hint if self.advice in hint else f"{self.advice} {hint}".rstrip())


class GalleryCorrupt(GalleryError):
    """The file is not a gallery, or is damaged."""

    code = "gallery_corrupt"


class GalleryTooNew(GalleryError):
    """The file was written by a later version of firstsight."""

    code = "gallery_too_new"


class GalleryBusy(GalleryError):
    """Another process held the gallery for longer than we wait."""

    code = "gallery_busy"
    http_status = 503


class GalleryLocked(GalleryError):
    """The embeddings are encrypted, and the key is missing or another one."""

    code = "gallery_locked"


class ModelMismatch(GalleryError):
    """The gallery was made with another model or another preprocessing."""

    code = "model_mismatch"
    http_status = 409


class InvalidName(GalleryError):
    """A person's name that is empty, too long or holds control characters."""

    code = "invalid_name"
    http_status = 422


class NameTaken(GalleryError):
    """Another person of this gallery has that name already."""

    code = "name_taken"
    http_status = 409


class NoSuchPerson(GalleryError):
    """Nobody of that name or id is in the gallery."""

    code = "no_such_person"
    http_status = 404


class NoSuchTemplate(GalleryError):
    """No template of that id is in the gallery."""

    code = "no_such_template"
    http_status = 404


class ServiceError(FirstsightError):
    """A service that cannot do what was asked, or answers in a way that we do not know."""

    code = "service"
    http_status = 500

    def __init__(self, message: str, *, hint: str = "", retry_after: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after
        """Seconds after which it is worth another try; None where it is not known."""


class Unauthorized(ServiceError):
    """The request carries no key, or one that the service does not know."""

    code = "unauthorized"
    http_status = 401


class Forbidden(ServiceError):
    """The key's role does not allow it."""

    code = "forbidden"
    http_status = 403


class RateLimited(ServiceError):
    """More requests than the key may make in that time."""

    code = "rate_limited"
    http_status = 429


class Overloaded(ServiceError):
    """The service has more work than it takes on at once."""

    code = "overloaded"
    http_status = 503


class ServiceUnavailable(ServiceError):
    """The service cannot be reached, or does not answer in time."""

    code = "service_unavailable"
    http_status = 503


class NoSuchAddress(ServiceError):
    """The service has nothing at that address."""

    code = "no_such_address"
    http_status = 404


class NoSuchJob(ServiceError):
    """The service knows no job of that id."""

    code = "no_such_job"
    http_status = 404


class BodyTooLarge(ServiceError):
    """The request's body has more bytes than the service takes."""

    code = "body_too_large"
    http_status = 413


class BodyMalformed(ServiceError):
    """The request's fields are missing or cannot be read."""

    code = "body_malformed"
    http_status = 422
