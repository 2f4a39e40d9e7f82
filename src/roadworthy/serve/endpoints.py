"""The API's endpoints: what is asked of each, and which part of the service answers."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from roadworthy.core.errors import RoadworthyError, UnknownNameError
from roadworthy.inference.boxes import LOWEST_PX
from roadworthy.serve.answering import answer_pictures, find_in_pictures, fuse_track
from roadworthy.serve.drive_route import add_drive
from roadworthy.serve.failures import MAX_TOP, HTTPRefusal
from roadworthy.serve.models import Served
from roadworthy.serve.receiving import PictureRequest, receive, working_on
from roadworthy.serve.schema import Health, ModelInfo, ModelList, Predicted, Tracked
from roadworthy.serve.service import PREDICT, TRACK, Service
from roadworthy.serve.uploads import PICTURE_BODY

ModelName = Annotated[
    str | None,
    Query(description="Which model answers; if left out, the first of /v1/models.", max_length=100),
]
Top = Annotated[int, Query(ge=1, le=MAX_TOP, description="Answers for each picture, likeliest first.")]
OneBox = Annotated[
    str | None,
    Query(
        description="Where the sign is in a picture that is the body: x1,y1,x2,y2 in its pixels.",
        examples=["12,8,60,57"],
    ),
]
Find = Annotated[bool, Query(description="Find all signs in each picture.")]
Smallest = Annotated[
    float | None,
    Query(
        ge=LOWEST_PX,
        allow_inf_nan=False,
        description="With find, the side in pixels of the smallest sign looked for: 10 if left out, more in "
        "pictures above 13 megapixels. Half of it takes four times as long, up to what those take.",
        examples=[10],
    ),
]


def add_endpoints(app: FastAPI, service: Service) -> None:
    """The whole API, in the order of its description."""

    async def known_query(request: Request) -> None:
        _check_query(app, request)

    # Not for /healthz and /readyz: what asks them adds what it likes, and must not take that for an illness.
    guards = [*service.guards, Depends(known_query)]
    _add_picture_endpoints(app, service, guards)
    add_drive(app, service)
    _add_model_endpoints(app, service, guards)
    _add_health_endpoints(app, service)
    _add_metrics(app, service, guards)


def _check_query(app: FastAPI, request: Request) -> None:
    """HTTPRefusal for a name in the query that the endpoint does not know, or that is given twice."""
    described = app.openapi()["paths"][request.scope["route"].path][request.method.lower()]
    known = {one["name"] for one in described.get("parameters", ()) if one["in"] == "query"}
    for name in request.query_params:
        if name not in known:
            raise HTTPRefusal(422, str(UnknownNameError("query name", name[:80], known)))
        if len(request.query_params.getlist(name)) > 1:
            raise HTTPRefusal(422, f"{name} is given more than once in the query; give it once")


def _add_picture_endpoints(app: FastAPI, service: Service, guards: list[Any]) -> None:
    @app.post(PREDICT, dependencies=guards, openapi_extra=PICTURE_BODY, response_model_by_alias=True)
    async def predict(
        request: Request,
        model: ModelName = None,
        top: Top = 3,
        find: Find = False,
        smallest: Smallest = None,
        box: OneBox = None,
    ) -> Predicted:
        """Which sign each picture shows; with find, a result with a box for every sign in it.

        Send one picture as the body, or several as the files of a form, or in base64 in JSON.  A picture that
        cannot be read is a result with its error; the others are answered.
        """
        async with receive(service, request, model, box) as asked:
            if find:
                _check_can_find(asked)
            elif smallest is not None:
                raise HTTPRefusal(422, "smallest is of signs that are found; add find=true, or leave it out")
            async with working_on(service, len(asked.uploads)):
                if find:
                    results = await find_in_pictures(service, asked, top, smallest)
                else:
                    results = await answer_pictures(service, asked, top)
            return Predicted(model=asked.served.name, sha256=asked.served.crops.sha256, results=results)

    @app.post(TRACK, dependencies=guards, openapi_extra=PICTURE_BODY, response_model_by_alias=True)
    async def track(request: Request, model: ModelName = None, top: Top = 3) -> Tracked:
        """What several frames of one sign say together, sent in their order: in a form, or JSON."""
        async with receive(service, request, model) as asked, working_on(service, len(asked.uploads)):
            return await fuse_track(service, asked, top)


def _check_can_find(asked: PictureRequest) -> None:
    if any(upload.box is not None for upload in asked.uploads):
        raise HTTPRefusal(422, "find looks at whole pictures; leave the boxes out, or find")
    if asked.served.finder is None:
        raise HTTPRefusal(422, "this service cannot find signs; it has no finder")


def _add_model_endpoints(app: FastAPI, service: Service, guards: list[Any]) -> None:
    @app.get("/v1/models", dependencies=guards)
    async def models() -> ModelList:
        """What can answer."""
        return ModelList(models=[_model_info(served) for served in service.models.all()])

    @app.post("/v1/reload", dependencies=guards)
    async def reload() -> ModelList:
        """Read the files of models and school days anew; where one is not in order, those in service stay."""
        try:
            await service.reload()
        except RoadworthyError as error:
            raise HTTPRefusal(422, f"nothing was changed: {error}") from error
        return await models()


def _model_info(served: Served) -> ModelInfo:
    manifest = served.crops.manifest
    return ModelInfo(
        name=served.name,
        sha256=served.crops.sha256,
        precision=manifest.precision,
        size=manifest.input.size,
        finds=served.finder is not None,
        classes=list(manifest.classes),
    )


def _add_health_endpoints(app: FastAPI, service: Service) -> None:
    @app.get("/healthz")
    async def healthz() -> Health:
        """Whether the process answers at all."""
        return Health(status="ok")

    @app.get("/readyz")
    async def readyz() -> Health:
        """Whether it takes requests."""
        if not service.ready:
            raise HTTPRefusal(503, "not ready", {"retry-after": "1"})
        return Health(status="ready")


def _add_metrics(app: FastAPI, service: Service, guards: list[Any]) -> None:
    @app.get("/metrics", dependencies=guards, response_class=Response)
    async def metrics() -> Response:
        """Counts and times in Prometheus's form."""
        service.meters.waiting.set(service.admission.under_way)
        service.meters.drives.set(len(service.drives))
        return Response(generate_latest(service.meters.registry), media_type=CONTENT_TYPE_LATEST)
