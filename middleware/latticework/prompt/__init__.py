"""Conversations -> the text that the model continues, through the model's own chat template."""

from latticework.prompt.chat_template import ChatTemplate
from latticework.prompt.guard import Prompt
from latticework.prompt.template import PromptError

__all__ = ["ChatTemplate", "Prompt", "PromptError"]
