"""The page at /, its files, the model for the browser, and /docs; nothing comes from anywhere else."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException

from roadworthy.serve.docs import docs_page
from roadworthy.serve.failures import HTTPRefusal
from roadworthy.serve.service import Service
from roadworthy.serve.static import TYPES, model_json, page_files


def add_page(app: FastAPI, service: Service) -> None:
    """To be called last: its files may have any name."""
    _add_docs(app, service)
    _add_model_files(app, service)
    _add_page_files(app)


def _file_response(content: bytes, name: str) -> Response:
    return Response(content, media_type=TYPES[Path(name).suffix], headers={"cache-control": "no-cache"})


def _add_docs(app: FastAPI, service: Service) -> None:
    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        key = bool(service.config.api_key)
        return HTMLResponse(docs_page(app.openapi(), str(request.base_url), key=key))


def _add_model_files(app: FastAPI, service: Service) -> None:
    """The default model as the page loads it, to answer in the browser."""

    @app.get("/model/manifest.json", include_in_schema=False, dependencies=service.guards)
    async def manifest() -> Response:
        served = service.models.get()
        text = model_json(
            served.crops.manifest,
            served.windows.manifest if served.windows else None,
            served.finder.rule if served.finder else None,
            region=service.region.region,
        )
        return _file_response(text.encode(), "manifest.json")

    @app.get("/model/crop.onnx", include_in_schema=False, dependencies=service.guards)
    async def network() -> Response:
        return _file_response(service.models.get().crops.network, "crop.onnx")

    @app.get("/model/crop-find.onnx", include_in_schema=False, dependencies=service.guards)
    async def windows() -> Response:
        engine = service.models.get().windows
        if engine is None:
            raise HTTPRefusal(404, "this model cannot look closer; it has no NAME-find.onnx beside it")
        return _file_response(engine.network, "crop-find.onnx")

    @app.get("/model/find.onnx", include_in_schema=False, dependencies=service.guards)
    async def finder() -> Response:
        engine = service.models.get().finder
        if engine is None:
            raise HTTPRefusal(404, "this service cannot find signs; it has no finder")
        return _file_response(engine.network, "find.onnx")


def _add_page_files(app: FastAPI) -> None:
    files = page_files()

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return _file_response(files["index.html"].read_bytes(), "index.html")

    @app.get("/{name:path}", include_in_schema=False)
    async def file(name: str) -> Response:
        if name not in files:  # names that are known, never a path that a client made up
            raise HTTPException(404)
        return _file_response(files[name].read_bytes(), name)
