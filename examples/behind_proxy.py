"""Behind a proxy that serves the app under the path prefix /ai and strips the prefix from requests.

    MODEL=Qwen/Qwen2.5-7B-Instruct uvicorn --factory examples.behind_proxy:app --port 8001 --root-path /ai

    # nginx: the slash at the end of proxy_pass strips /ai/
    location /ai/ {
        proxy_pass http://127.0.0.1:8001/;
        proxy_http_version 1.1;
        proxy_read_timeout 1h;
        client_max_body_size 16m;
    }

    curl https://example.com/ai/openapi.json
    https://example.com/ai/playground in a browser

`--root-path` only sets the prefix of the URLs that the app generates. Behind a proxy that keeps the prefix, mount the
app under it instead: examples/in_starlette.py.
"""

from __future__ import annotations

import os

from starlette.applications import Starlette

from latticework import create_app


def app() -> Starlette:
    from vllm.engine.arg_utils import AsyncEngineArgs  # slow to import

    from latticework.engines.vllm import VllmEngine

    return create_app(VllmEngine(AsyncEngineArgs(model=os.environ["MODEL"])))
