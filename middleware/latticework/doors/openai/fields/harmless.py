"""The fields on which no answer depends. They are ignored."""

from __future__ import annotations

from collections.abc import Mapping

from latticework.doors.common.fields import Harmless

ACCOUNT = "OpenAI's accounting, caching and routing."
NO_MEDIA = "About images, sound and video, which messages can't have."
NAMING = "A name of the request; the header `x-request-id` sets one."
CACHE = "About the cache, which is used in any case."
NO_SAMPLER = "A parameter of a sampler that is refused by its own field."
MORE = "Further information in the response."
ROUTE = "The choice of an engine."

HARMLESS: Mapping[str, Harmless] = {
    **dict.fromkeys(
        (
            *("user", "metadata", "store", "service_tier", "safety_identifier"),
            *("prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"),
        ),
        Harmless("OpenAI", ACCOUNT),
    ),
    "prediction": Harmless("OpenAI", "A hint for speed."),
    # Clients send it to every model. It promises nothing that could be broken.
    "verbosity": Harmless("OpenAI", "A hint to models that are trained on it."),
    **dict.fromkeys(("request_id", "session_id"), Harmless("vLLM", NAMING)),
    **dict.fromkeys(("rid", "custom_labels"), Harmless("SGLang", NAMING)),
    **dict.fromkeys(
        ("mm_processor_kwargs", "media_io_kwargs", "mm_payload", "return_mm_kwargs"), Harmless("vLLM", NO_MEDIA)
    ),
    **dict.fromkeys(
        ("max_dynamic_patch", "min_dynamic_patch", "use_audio_in_video", "images_config"), Harmless("SGLang", NO_MEDIA)
    ),
    "stream_interval": Harmless("vLLM", "The size of chunks."),
    "spaces_between_special_tokens": Harmless("vLLM", "A text is the bytes of its tokens."),
    "chat_template_content_format": Harmless("vLLM", "Detected from the chat template."),
    **dict.fromkeys(("routed_dp_rank", "disagg_prefill_dp_rank", "data_parallel_rank"), Harmless("SGLang", ROUTE)),
    "ngram_corpus_id": Harmless("SGLang", "A hint for speed."),
    **dict.fromkeys(("cache_prompt", "n_cache_reuse", "id_slot"), Harmless("llama.cpp", CACHE)),
    **dict.fromkeys(
        ("n_keep", "n_discard"), Harmless("llama.cpp", "A prompt longer than the context is refused, never cut.")
    ),
    **dict.fromkeys(
        ("verbose", "timings_per_token", "return_progress", "response_fields", "sse_ping_interval"),
        Harmless("llama.cpp", MORE),
    ),
    **dict.fromkeys(
        (
            *("dry_base", "dry_allowed_length", "dry_penalty_last_n", "dry_sequence_breakers"),
            *("xtc_threshold", "dynatemp_exponent", "mirostat_tau", "mirostat_eta", "adaptive_decay"),
        ),
        Harmless("llama.cpp", NO_SAMPLER),
    ),
    "backend_sampling": Harmless("llama.cpp", "Where sampling is computed."),
    **dict.fromkeys(
        ("chat_format", "chat_parser", "preserved_tokens"),
        Harmless("llama.cpp", "The model's wire format is detected."),
    ),
    **dict.fromkeys(
        (
            *("reasoning_control", "reasoning_budget_start_tag"),
            *("reasoning_budget_end_tag", "reasoning_budget_end_tags"),
        ),
        Harmless("llama.cpp", "The markup of reasoning is detected."),
    ),
    "keep_alive": Harmless("Ollama", "The model stays loaded."),
}
