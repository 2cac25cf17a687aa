"""lm-eval's `local-completions`: log likelihoods of continuations, and generated texts."""

import os

from lm_eval.api.instance import Instance
from lm_eval.models.openai_completions import LocalCompletionsAPI
from lm_eval.utils import RemoteTokenizer
from requests import HTTPError

BASE_URL = os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1")
KEY = os.environ.get("API_KEY", "none")
CONTEXT = "The capital of France is"


class Tokens(RemoteTokenizer):
    """lm-eval's client of /tokenize and /detokenize, with what it would else get from vLLM's /tokenizer_info.

    A tokenizer of the Hugging Face Hub does as well: `tokenizer_backend="huggingface"`, which is the default here.
    """

    eos_token, bos_token = "<|im_end|>", "<|im_start|>"

    def _validate_server(self): ...


def made(**options):
    lm = LocalCompletionsAPI(
        **{
            "base_url": f"{BASE_URL}/completions",
            "model": os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct"),
            "header": {"Authorization": f"Bearer {KEY}"},
            "tokenizer_backend": None,
            "max_retries": 1,
            **options,
        }
    )
    lm.tokenizer_backend, lm.tokenized_requests = "remote", True
    lm.tokenizer = Tokens(f"{BASE_URL.removesuffix('/v1')}/v1/completions", auth_token=KEY)
    return lm


def instances(kind, *arguments):
    return [Instance(kind, {}, argument, index) for index, argument in enumerate(arguments)]


def generated(lm, **options):
    asked = {"until": ["\n"], "max_gen_toks": 4, **options}
    return lm.generate_until(instances("generate_until", (CONTEXT, asked), ("One, two, three,", asked)))


def scored(lm, *continuations):
    pairs = [(CONTEXT, continuation) for continuation in continuations]
    return lm.loglikelihood(instances("loglikelihood", *pairs))


def completion_generate():
    texts = generated(made(batch_size=2))
    assert all(texts)
    assert generated(made(num_concurrent=2)) == texts


def completion_loglikelihood():
    """The generated continuation is the greedy one, and likelier than others, in whatever batches they are scored."""
    continuations = (generated(made())[0], " purple.", " 😀数字")
    answers = scored(made(batch_size=3), *continuations)
    assert [is_greedy for _, is_greedy in answers] == [True, False, False]
    assert answers[0] == max(answers)
    for options in ({}, {"num_concurrent": 2}):
        for (logprob, is_greedy), answer in zip(scored(made(**options), *continuations), answers, strict=True):
            assert abs(logprob - answer[0]) < 0.05
            assert is_greedy == answer[1]


def completion_rolling():
    """The perplexity of a text, in windows that are shorter than it."""
    text = "One, two, three, four, five, six, seven, eight, nine, ten."
    whole, windows = (
        made(max_length=length).loglikelihood_rolling(instances("loglikelihood_rolling", (text,)))[0]
        for length in (2048, 12)
    )
    assert windows < whole < 0


def error():
    try:
        generated(made(model="no-such-model"))
    except HTTPError as error:
        assert error.response.status_code == 404
        assert "no-such-model" in error.response.json()["error"]["message"]
    else:
        raise AssertionError("an unknown model was served")
