"""What clients write themselves: regexes, choices, grammars, for answers and for the inputs of custom tools."""
