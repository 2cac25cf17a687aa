"""What README.md and docs/ say, held against the code: some parts are made of it, and the rest names nothing else."""
