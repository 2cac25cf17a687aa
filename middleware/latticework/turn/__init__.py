"""From a neutral request to a job: prompt, sampling, reasoning, plan."""
