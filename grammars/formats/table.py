"""The table of wire formats by name: what `--tool-format` accepts."""

from __future__ import annotations

from collections.abc import Mapping

from grammars.formats.calls import FUNCTIONGEMMA, GEMMA_4, LFM2, PYTHONIC
from grammars.formats.format import Format
from grammars.formats.json_alone import FUNCTIONARY_V32, LLAMA3, XLAM
from grammars.formats.json_lists import (
    APERTUS,
    COMMAND,
    COMMAND_R,
    FUNCTOOLS,
    GRANITE,
    HUNYUAN,
    MISTRAL_V3,
    NEMOTRON,
)
from grammars.formats.json_tags import (
    FENCED,
    FUNCTIONARY,
    GIGACHAT,
    GRANITE_20B,
    HERMES,
    INTERNLM2,
    MINIMAX_M1,
)
from grammars.formats.marked import DEEPSEEK_V3, DEEPSEEK_V31, HARMONY, KIMI_K2, MISTRAL_V11
from grammars.formats.xml import DEEPSEEK_V4, DEEPSEEK_V32, GLM45, GLM47, MINIMAX_M2, QWEN3_CODER, SEED_OSS

FORMATS: Mapping[str, Format] = {
    format.name: format
    for format in (
        HERMES,
        LLAMA3,
        MISTRAL_V3,
        MISTRAL_V11,
        DEEPSEEK_V3,
        DEEPSEEK_V31,
        KIMI_K2,
        HARMONY,
        QWEN3_CODER,
        SEED_OSS,
        GLM45,
        GLM47,
        MINIMAX_M2,
        DEEPSEEK_V32,
        DEEPSEEK_V4,
        PYTHONIC,
        LFM2,
        GEMMA_4,
        FUNCTIONGEMMA,
        COMMAND,
        COMMAND_R,
        GRANITE,
        GRANITE_20B,
        FUNCTOOLS,
        FUNCTIONARY,
        FUNCTIONARY_V32,
        GIGACHAT,
        MINIMAX_M1,
        INTERNLM2,
        HUNYUAN,
        NEMOTRON,
        APERTUS,
        XLAM,
        FENCED,
    )
}
