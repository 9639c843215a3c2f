.PHONY: run test wheel

run:
	scripts/run

test:
	scripts/test

# The weights travel in the wheel, so they are fetched before it is built.
wheel:
	scripts/setup test
	.venv/bin/python -m mopidy_moodcam.weights
	.venv/bin/python -m pip wheel --no-deps -w dist .

# Figures of the README and the model cards: each prints its command and machine, and
# SKIPPED where data is absent (training/README.md says what that is).
bench-%:
	.venv/bin/python tests/bench/bench_$*.py
