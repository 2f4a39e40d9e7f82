"""What the service says, as its OpenAPI description has it."""

from __future__ import annotations

from pydantic import BaseModel, Field

from roadworthy.inference.answers import Row

SHA256 = "9f86d081884c7d65…"  # in examples


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
        examples=[True],
    )
    reason: str | None = Field(
        default=None,
        description="Why it is not accepted though it is sure: a picture without colour, of a sign that "
        "only colour tells from others; a box that may show no sign.",
    )
    alternatives: list[Alternative] = Field(default_factory=list)
    box: list[float] | None = Field(
        default=None, description="x1, y1, x2, y2 in the picture's pixels, where the sign was looked for."
    )
    found: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="With find, how sure it is that the box shows a sign; confidence says of which.",
        examples=[0.91],
    )


class Predicted(BaseModel):
    """The answers to a request, in the order of its pictures."""

    model: str = Field(examples=["packaged"])
    sha256: str = Field(description="Of the bundle that answered.", examples=[SHA256])
    results: list[Answer]


class Tracked(BaseModel):
    """What the frames of one sign say together."""

    model: str = Field(examples=["packaged"])
    sha256: str = Field(examples=[SHA256])
    frames: int = Field(description="Frames that could be read.", examples=[2])
    decided_after: int | None = Field(
        description="The frame from which the answer was sure; null for none.", examples=[1]
    )
    answer: Answer
    errors: list[Answer] = Field(
        default_factory=list, description="Frames that could not be read.", examples=[[]]
    )


class ModelInfo(BaseModel):
    """A bundle in service."""

    name: str = Field(examples=["packaged"])
    sha256: str = Field(examples=[SHA256])
    precision: str = Field(examples=["fp32"])
    size: int = Field(description="Side of the network's input in pixels.", examples=[48])
    finds: bool = Field(description="Whether signs are found in pictures for it.", examples=[True])
    classes: list[str] = Field(examples=[["speed-60", "stop", "no-sign"]])


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
