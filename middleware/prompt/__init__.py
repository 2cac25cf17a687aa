"""Conversations -> the text that the model continues, through the model's own chat template."""

from middleware.prompt.chat_template import ChatTemplate
from middleware.prompt.guard import Prompt
from middleware.prompt.template import PromptError

__all__ = ["ChatTemplate", "Prompt", "PromptError"]
