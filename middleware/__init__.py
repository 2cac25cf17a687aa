"""latticework: a Starlette layer that speaks the OpenAI chat API and drives an engine by one grammar per turn."""

from middleware.app import create_app, lifespan
from middleware.settings import Settings

__all__ = ["Settings", "create_app", "lifespan"]
