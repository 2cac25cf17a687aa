"""A compile process: `python -m latticework.compiling.process BYTES PARENT`, and a socket as system.py passes it.

It can be killed at any time. It ends with the process PARENT, which started it, and when the other end of its socket is
closed. A compile that fails is answered with its error.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import pickle
import sys
from contextlib import suppress
from dataclasses import replace
from functools import partial

from latticework import lifeline, memory
from latticework.compiling import (
    CompileBug,
    CompiledTurn,
    CompileOutOfMemory,
    CompileTask,
    Load,
    LoadVocabulary,
    LoadWriter,
    Message,
    Outcome,
    PromptTask,
    Reply,
    Task,
    WorkerError,
    system,
)
from latticework.compiling.fewest_tokens import fewest_tokens
from latticework.compiling.trial import try_plan
from latticework.compiling.walk import walk_texts
from latticework.engines.vocabulary import Trial, Vocabulary
from latticework.logs import described
from latticework.prompt import PromptError
from latticework.prompt.writer import PromptWriter, Written
from turngrammar.bad_tools import without_bad_tools
from turngrammar.errors import GrammarError, InvalidGrammar, RefusedSchema, cut
from turngrammar.limits import Limits, check_limits
from turngrammar.plan import Plan, compile_turn
from turngrammar.schema import Options
from turngrammar.schema.algebra import ALTERNATIVES
from turngrammar.turn import ToolChoice, Turn

# Into which schemas may be split, in the attempts to find a grammar that llguidance holds: what takes more is checked.
FEWER_ALTERNATIVES = (ALTERNATIVES, 32, 8, 1)
# Seconds after the server's deadline at which the process exits by itself.
GRACE = 2.0
# Characters of llguidance's errors, which quote grammars.
REASON_LENGTH = 200

# Objects between two collections: a compile makes hundreds of thousands, nearly all of which reference counts free.
COLLECTED = 20_000

# What llguidance's error has where a lazy lexeme matches the empty text.
EMPTY_LAZY = "has_lowest_match"


class CompileProcess:
    """Holds the vocabularies of this process. `most`: bytes that one compile may take."""

    def __init__(self, most: int) -> None:
        self._memory = most
        self._vocabularies: dict[str, Vocabulary] = {}
        self._writers: dict[str, PromptWriter] = {}
        self._baseline = system.peak_memory()
        # Takes the stack dump of faulthandler's exit, which nobody reads.
        self._devnull = os.open(os.devnull, os.O_WRONLY)

    def handle(self, message: Message) -> bytes:
        """The pickled reply."""
        if isinstance(message, LoadVocabulary | LoadWriter):
            self._load(message)
            gc.freeze()  # modules and vocabulary stay: the collector would go through them in the middle of a compile
            self._baseline = system.peak_memory()
            return b""
        # Its thread needs no interpreter lock, which native code may hold for the whole compile.
        faulthandler.dump_traceback_later(message.seconds + GRACE, exit=True, file=self._devnull)
        system.limit_memory(self._memory)
        try:
            return self._reply(message)
        except MemoryError:  # not even a reply could be allocated under the limit
            system.limit_memory(None)
            return pickle.dumps(Reply(CompileOutOfMemory()), 5)
        finally:
            system.limit_memory(None)
            faulthandler.cancel_dump_traceback_later()
            if isinstance(message, PromptTask):
                memory.trim()

    def _load(self, message: Load) -> None:
        if isinstance(message, LoadVocabulary):
            self._vocabularies[message.digest] = message.vocabulary
            _ = message.vocabulary.matchable, message.vocabulary.texts, message.vocabulary.longest
        else:
            self._writers[message.digest] = message.writer
            message.writer.prepare()

    def _reply(self, task: Task) -> bytes:
        outcome = self._outcome(task)
        grown = system.peak_memory() - self._baseline > self._memory // 2
        return pickle.dumps(Reply(outcome, grown), 5)

    def _outcome(self, task: Task) -> Outcome | WorkerError:
        try:
            return self._compiled(task) if isinstance(task, CompileTask) else self._written(task)
        except (GrammarError, PromptError) as error:
            return error
        except MemoryError:
            return CompileOutOfMemory()
        except RecursionError:
            return RefusedSchema("The request nests too deeply to be compiled. Make its schemas flatter.")
        except Exception as error:  # noqa: BLE001 - the outermost boundary of this process
            return CompileBug(described(error))

    def _compiled(self, task: CompileTask) -> CompiledTurn:
        request = task.request
        vocabulary = self._vocabularies[request.vocabulary]
        compiled = compile_with_vocabulary(request.turn, vocabulary, task.limits)
        if not request.begun or compiled.plan.grammar is None:
            return compiled
        return replace(compiled, beginning=vocabulary.beginning(compiled.plan.grammar, request.begun))

    def _written(self, task: PromptTask) -> Written:
        return self._writers[task.needs].write(task.source, cut=task.cut)


def compile_with_vocabulary(turn: Turn, vocabulary: Vocabulary, limits: Limits) -> CompiledTurn:
    """Raises GrammarError, with a pointer into the request. Even a turn within `limits` may never end compiling."""
    compiled, skipped = without_bad_tools(turn, partial(_compile_and_try, vocabulary, limits))
    return replace(compiled, plan=compiled.plan.skipping(skipped)) if skipped else compiled


def _compile_and_try(vocabulary: Vocabulary, limits: Limits, turn: Turn) -> CompiledTurn:
    check_limits(turn, limits)
    turn = replace(turn, special_tokens=vocabulary.special_tokens, ends=vocabulary.ends)
    tried: dict[str | None, Trial] = {}
    for alternatives in FEWER_ALTERNATIVES:
        options = Options(alternatives=alternatives, vocabulary=vocabulary.matchable)
        plan = compile_turn(turn, options)
        if plan.grammar in tried:
            continue
        trial = tried[plan.grammar] = try_plan(plan, vocabulary)
        if trial.error is None:
            walk_texts(turn, plan, vocabulary)
            return CompiledTurn(plan, trial, fewest_tokens(turn, plan, trial, vocabulary))
    _raise_bad_tool(turn, plan, vocabulary, options)
    raise _rejected("request", tried[plan.grammar]).inside(turn.content.pointer if turn.content else turn.tools_pointer)


def _raise_bad_tool(turn: Turn, plan: Plan, vocabulary: Vocabulary, options: Options) -> None:
    """Raises the error of the first tool that fails without the others, compiled as the turn was."""
    for tool in plan.tools:
        trial = try_plan(compile_turn(_with_only(turn, tool.name), options), vocabulary)
        if trial.error is not None:
            raise _rejected("tool", trial).inside(tool.pointer, tool.name)


def _with_only(turn: Turn, name: str) -> Turn:
    """A turn that has to call this tool."""
    tools = tuple(tool for tool in turn.tools if tool.name == name)
    return replace(turn, tools=tools, content=None, choice=ToolChoice("required"))


def _rejected(what: str, trial: Trial) -> InvalidGrammar:
    error = trial.error or ""
    if EMPTY_LAZY in error:
        return InvalidGrammar("A lazy rule of the grammar may be empty, and then has no end. Require a character.")
    first_line = cut(error.partition("\n")[0], REASON_LENGTH)
    problem = f"llguidance rejects the grammar of the {what}: {first_line}."
    return InvalidGrammar(f"{problem} Use fewer alternatives, smaller counts and simpler patterns.")


def serve_compiles() -> None:
    """Handles messages until the socket is closed."""
    lifeline.end_with(int(sys.argv[2]))
    lifeline.leave_signals_to_parent()
    system.lower_priority()
    memory.return_freed()
    gc.set_threshold(COLLECTED)
    process, connection = CompileProcess(int(sys.argv[1])), system.inherited_connection()
    connection.send_bytes(b"")
    with suppress(EOFError, ConnectionError):
        while True:
            connection.send_bytes(process.handle(pickle.loads(connection.recv_bytes())))


if __name__ == "__main__":
    serve_compiles()
