"""Where else the app is served than by `latticework serve`, one place a file."""
