"""latticework: a Starlette layer that speaks the OpenAI chat API and drives an engine by one grammar per turn."""
