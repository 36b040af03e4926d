"""One case: its evidence, judgement, findings and incidents, and what is written of them."""
