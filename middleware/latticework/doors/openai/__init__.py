"""What the doors of OpenAI's APIs share: types of requests, their validation, tools, content, usage, errors."""
