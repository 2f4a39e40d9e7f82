"""What is said on the socket of a drive: the client's messages read, the service's written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from roadworthy.core.errors import DataError
from roadworthy.drive.events.tables import as_row
from roadworthy.drive.gps.fixes import METRES_PER_DOP, MOST_DOP, Fix, is_place
from roadworthy.drive.gps.track import MAX_SPEED
from roadworthy.drive.limits.machine import LimitRow
from roadworthy.drive.limits.regions import Region
from roadworthy.drive.live import LONGEST_S, Driven, InSight, Moment
from roadworthy.serve.settings import ServiceConfig
from roadworthy.signs.catalogue import kind_and_value

_MOST_TEXT = 1000  # characters of a client's message
_AS_TEXT = (
    'send {"time_s": 1.25} before a frame, {"fix": {"lat": -37.81, "lon": 144.96}} for a position, '
    '{"end": true} after the last'
)
_LEAST_ACCURATE_M = METRES_PER_DOP * MOST_DOP

Message = dict[str, Any]


_Seconds = Annotated[float, Field(ge=0, le=LONGEST_S, allow_inf_nan=False)]


class FixFromClient(BaseModel):
    """Where the car was: WGS84 in degrees; time in seconds of the drive, without it when the message came.

    accuracy_m: about one standard error.  course_deg: clockwise from north.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    time_s: _Seconds | None = None
    speed_m_s: Annotated[float, Field(ge=0, le=MAX_SPEED, allow_inf_nan=False)] | None = None
    course_deg: Annotated[float, Field(ge=0, le=360, allow_inf_nan=False)] | None = None
    accuracy_m: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None

    def at(self, time_s: float) -> Fix:
        """The fix of a second of the drive.  Raises DataError where it is no position."""
        if not is_place(self.lat, self.lon):
            raise DataError("fix is 0, 0, what receivers say that have none; send it once there is one")
        if self.accuracy_m is not None and self.accuracy_m > _LEAST_ACCURATE_M:
            raise DataError(
                f"fix.accuracy_m is {self.accuracy_m:g}; fixes known to {_LEAST_ACCURATE_M:g} m are of use"
            )
        return Fix(
            lat=self.lat,
            lon=self.lon,
            film_s=time_s,
            speed=self.speed_m_s,
            course=None if self.course_deg is None else self.course_deg % 360,
            accuracy=self.accuracy_m,
        )


class FromClient(BaseModel):
    """A text message: when the next frame was taken, in seconds of the drive, a fix, or that it is over."""

    model_config = ConfigDict(extra="forbid", strict=True)
    time_s: _Seconds | None = None
    fix: FixFromClient | None = None
    end: bool = False


def read_text(text: str) -> FromClient:
    """A client's text message.  Raises DataError for anything else."""
    if len(text) > _MOST_TEXT:
        raise DataError(f"a message of {len(text):,} characters came; {_AS_TEXT}")
    try:
        said = FromClient.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:80]
        raise DataError(f"{where or 'the message'}: {first['msg']}; {_AS_TEXT}") from error
    if not said.end and said.time_s is None and said.fix is None:
        raise DataError(f"the message says nothing; {_AS_TEXT}")
    return said


def begun_message(
    *, model: str, sha256: str, region: Region, request_id: str, config: ServiceConfig
) -> Message:
    """The first message: what answers, by whose rules, and what it takes."""
    return {
        "type": "begun",
        "model": model,
        "sha256": sha256,
        "region": region.region,
        "region_name": region.name,
        "request_id": request_id,
        "max_frame_bytes": config.max_frame_bytes,
        "max_frame_pixels": config.max_frame_pixels,
        "frames_per_s": config.frames_per_s,
    }


def moment_message(moment: Moment, *, ms: float) -> Message:
    """The answer to a frame.  ms: from when its turn had come."""
    return {
        "type": "frame",
        "frame": moment.frame,
        "time_s": round(moment.time_s, 3),
        "boxes": [_sign(sign) for sign in moment.signs],
        "events": [as_row(event) for event in moment.events],
        "limit": _now(moment.limit),
        "place": None if moment.place is None else _place(moment.place),
        "ms": round(ms, 1),
    }


def error_message(reason: str, *, frame: int | None = None) -> Message:
    """Why a frame has no answer, or, without one, what else was wrong."""
    return {"type": "error", "frame": frame, "error": reason}


def summary_message(driven: Driven, *, frames: int, failed: int, passed_over: int) -> Message:
    """The last message: the whole drive.

    frames: that were looked at.  failed: that had an error.  passed_over: that nobody looked at.
    """
    return {
        "type": "summary",
        "frames": frames,
        "failed": failed,
        "passed_over": passed_over,
        "until_s": round(driven.until_s, 3),
        "events": [as_row(event) for event in driven.events],
        "left_out": driven.left_out,
        "limits": _rows(driven.limits),
    }


def _sign(sign: InSight) -> Message:
    kind, value = kind_and_value(sign.sign)
    return {
        "trail": sign.trail,
        "box": [round(edge, 1) for edge in sign.box],
        "class": sign.sign,
        "kind": kind,
        "value": value,
        "confidence": round(sign.confidence, 4),
        "accepted": sign.accepted,
        "found": round(sign.found, 4),
    }


def _place(fix: Fix) -> Message:
    return {
        "lat": round(fix.lat, 7),
        "lon": round(fix.lon, 7),
        "speed_m_s": None if fix.speed is None else round(fix.speed, 2),
        "course_deg": None if fix.course is None else round(fix.course, 1),
        "accuracy_m": fix.accuracy,
    }


def _now(row: LimitRow) -> Message:
    return {"limit": row.limit, "state": row.state, "event": row.event, "condition": row.condition}


def _rows(rows: Iterable[LimitRow]) -> list[Message]:
    return [{"from_s": round(row.from_s, 3), "to_s": round(row.to_s, 3), **_now(row)} for row in rows]
