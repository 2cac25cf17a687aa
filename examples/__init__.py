"""Programs to copy from. The tests run all of them: tests/examples, tests/e2e/test_examples.py."""
