"""langextract: what a text says, in the classes of an example, with where it says so."""

import os

import langextract as lx
from langextract.core.exceptions import InferenceRuntimeError
from langextract.providers.openai import OpenAILanguageModel

TEXT = "Ada mends printers. Bob bakes bread."
EXAMPLE = lx.data.ExampleData(
    text="Eve paints houses.",
    extractions=[lx.data.Extraction(extraction_class="person", extraction_text="Eve")],
)


def made(model=None):
    return OpenAILanguageModel(
        model_id=model or os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct"),
        api_key=os.environ.get("API_KEY", "none"),
        base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
        temperature=0,
        max_output_tokens=200,
    )


def extracted(model):
    return lx.extract(TEXT, prompt_description="Extract the persons.", examples=[EXAMPLE], model=model)


def structured_output():
    assert isinstance(extracted(made()).extractions, list)


def error():
    try:
        extracted(made("no-such-model"))
    except InferenceRuntimeError as error:
        assert "The model 'no-such-model' does not exist" in str(error)
    else:
        raise AssertionError("an unknown model was served")
