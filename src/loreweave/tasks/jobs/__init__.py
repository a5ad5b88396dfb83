"""Jobs of the commands for any task: fine-tune, evaluate, predict, check, describe."""
