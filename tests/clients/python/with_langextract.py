"""langextract: what a text says, in the classes of an example, with where it says so."""

import os

import langextract as lx
from langextract.core.exceptions import InferenceRuntimeError

TEXT = "Bob bakes bread."
EXAMPLE = lx.data.ExampleData(
    text="Eve paints houses.",
    extractions=[lx.data.Extraction(extraction_class="person", extraction_text="Eve")],
)


def extracted(model=None):
    config = lx.factory.ModelConfig(
        model_id=model or os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct"),
        provider="OpenAILanguageModel",
        provider_kwargs={
            "api_key": os.environ.get("API_KEY", "none"),
            "base_url": os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
            "temperature": 0,
            "max_output_tokens": 500,
        },
    )
    return lx.extract(
        TEXT,
        prompt_description="Extract the persons.",
        examples=[EXAMPLE],
        config=config,
        use_schema_constraints=True,
        resolver_params={"suppress_parse_errors": False},
        show_progress=False,
    )


def structured_output():
    """Its schema is made of the example: an answer that does not fit it would be an error here, as is one that is cut.

    It bounds no list, so a small model must find an end by itself, which it does with a short text.
    """
    found = extracted().extractions
    assert {one.extraction_class for one in found} == {"person"}
    assert all(isinstance(one.extraction_text, str) for one in found)


def error():
    try:
        extracted("no-such-model")
    except InferenceRuntimeError as error:
        assert "The model 'no-such-model' does not exist" in str(error)
    else:
        raise AssertionError("an unknown model was served")
