"""The wire formats by name."""

from __future__ import annotations

from collections.abc import Mapping

from turngrammar.formats.calls import FUNCTIONGEMMA, GEMMA_4, LFM2, OLMO3, PYTHONIC
from turngrammar.formats.dsml import DEEPSEEK_V4, DEEPSEEK_V32, DEEPSEEK_V41, GIGACHAT35
from turngrammar.formats.format import Format
from turngrammar.formats.json_alone import FUNCTIONARY_V32, GLM4, LLAMA3, XLAM
from turngrammar.formats.json_lists import (
    APERTUS,
    APRIEL,
    COMMAND,
    COMMAND4,
    COMMAND_R,
    FUNCTOOLS,
    GRANITE,
    HUNYUAN,
    MISTRAL_V3,
    NEMOTRON,
)
from turngrammar.formats.json_parts import ERNIE45, GIGACHAT3, INKLING, LONGCAT, PLAMO3, REKA_EDGE, SOLAR_OPEN
from turngrammar.formats.json_tags import (
    FENCED,
    FUNCTIONARY,
    GIGACHAT,
    GRANITE_20B,
    HERMES,
    INTERNLM2,
    MINIMAX_M1,
)
from turngrammar.formats.keyed import GLM45, GLM47, HY3, HY4, IQUEST, K2_HORIZON, LING3, LONGCAT2
from turngrammar.formats.marked import DEEPSEEK_V3, DEEPSEEK_V31, HARMONY, KIMI_K2, MISTRAL_V11
from turngrammar.formats.tagged import DOTS, KIMI_K3, MINICPM5, MINIMAX_M3, MUSE_GLIMMER, STEP3
from turngrammar.formats.xml import MINIMAX_M2, QWEN3_CODER, SEED_OSS

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
        KIMI_K3,
        HARMONY,
        QWEN3_CODER,
        SEED_OSS,
        GLM4,
        GLM45,
        GLM47,
        LING3,
        IQUEST,
        HY3,
        HY4,
        K2_HORIZON,
        LONGCAT,
        LONGCAT2,
        MINIMAX_M2,
        MINIMAX_M3,
        DOTS,
        STEP3,
        MINICPM5,
        MUSE_GLIMMER,
        DEEPSEEK_V32,
        DEEPSEEK_V4,
        DEEPSEEK_V41,
        GIGACHAT35,
        PYTHONIC,
        OLMO3,
        LFM2,
        GEMMA_4,
        FUNCTIONGEMMA,
        COMMAND,
        COMMAND4,
        COMMAND_R,
        GRANITE,
        GRANITE_20B,
        FUNCTOOLS,
        FUNCTIONARY,
        FUNCTIONARY_V32,
        GIGACHAT,
        GIGACHAT3,
        INKLING,
        SOLAR_OPEN,
        PLAMO3,
        ERNIE45,
        REKA_EDGE,
        MINIMAX_M1,
        INTERNLM2,
        HUNYUAN,
        APRIEL,
        NEMOTRON,
        APERTUS,
        XLAM,
        FENCED,
    )
}
