"""What the service says, as its OpenAPI description has it."""

from __future__ import annotations

from pydantic import BaseModel, Field

from roadworthy.results import Row


class Alternative(BaseModel):
    """Another class that it might be."""

    class_: str = Field(alias="class", examples=["speed-80"])
    confidence: float = Field(ge=0, le=1, examples=[0.004])


class Answer(BaseModel):
    """What is said of one picture, or of one sign found in it: `error`, or all the rest."""

    name: str = Field(description="The file's name, or its place in the request.", examples=["photo.jpg"])
    error: str | None = Field(default=None, description="Why there is no answer for this picture.")
    predicted: str | None = Field(default=None, examples=["speed-60"])
    kind: str | None = Field(default=None, description="The class's stem.", examples=["speed"])
    value: int | None = Field(default=None, description="The class's number.", examples=[60])
    confidence: float | None = Field(default=None, ge=0, le=1, examples=[0.993])
    accepted: bool | None = Field(
        default=None,
        description="Whether it is sure enough to be acted on; null where no threshold was chosen.",
    )
    reason: str | None = Field(
        default=None,
        description="Why it is not accepted though it is sure: a picture without colour, of a sign that "
        "only colour tells from others.",
    )
    alternatives: list[Alternative] = Field(default_factory=list)
    box: list[float] | None = Field(
        default=None, description="x1, y1, x2, y2 in the picture's pixels, where the sign was looked for."
    )


class Predicted(BaseModel):
    """The answers to a request, in the order of its pictures."""

    model: str = Field(examples=["packaged"])
    sha256: str = Field(description="Of the bundle that answered.")
    results: list[Answer]


class Tracked(BaseModel):
    """What the frames of one sign say together."""

    model: str
    sha256: str
    frames: int = Field(description="Frames that could be read.")
    decided_after: int | None = Field(description="The frame from which the answer was sure; null for none.")
    answer: Answer
    errors: list[Answer] = Field(default_factory=list, description="Frames that could not be read.")


class ModelInfo(BaseModel):
    """A bundle in service."""

    name: str
    sha256: str
    precision: str
    size: int = Field(description="Side of the network's input in pixels.")
    finds: bool = Field(description="Whether it can find signs in pictures.")
    classes: list[str]


class ModelList(BaseModel):
    """All of them; the first answers by default."""

    models: list[ModelInfo]


class Failure(BaseModel):
    """Why a request was refused."""

    error: str = Field(
        examples=["no picture arrived; send one as the body, or several as multipart/form-data"]
    )
    request_id: str


class Health(BaseModel):
    """How it is."""

    status: str = Field(examples=["ok"])


def as_answer(row: Row, name: str) -> Answer:
    """A Row under the name that the request gave the picture."""
    values = row.to_dict()
    values.pop("path")
    return Answer(name=name, **values)
